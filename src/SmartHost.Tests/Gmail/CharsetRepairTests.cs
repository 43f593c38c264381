namespace SmartHost.Tests.Gmail;

/// <summary>Text that is raw, cut or under a wrong name, as devices send it, and what a reader sees in the end. A character stands for an octet.</summary>
public class CharsetRepairTests
{
    // Nothing here is raw: only to be read and written by another name.
    [TestCase("=?gb2312?B?sai+rw==?=", "报警")]
    [TestCase("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト")]
    [TestCase("=?windows-1252?Q?=8Aimon?=", "Šimon")]
    public async Task Encoded_name_is_read_before_it_is_written_anew(string name, string read) =>
        Assert.That(OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare($"From: {name} <cam@x.example>\r\n\r\nx\r\n")).Got).From[0].Name, Is.EqualTo(read));
}
