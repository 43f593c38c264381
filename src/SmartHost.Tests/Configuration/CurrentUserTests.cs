using SmartHost.Disk;

namespace SmartHost.Tests.Configuration;

[Platform(Exclude = "Win", Reason = "Windows has no numbers for its users")]
public class CurrentUserTests
{
    [Test]
    public void Where_the_system_cannot_tell_the_name_it_is_the_number() =>
        Assert.That(CurrentUser.NameBy(() => throw new IOException("Too many open files")), Does.Match("^[0-9]+$"));

    [Test]
    public void Who_stands_in_no_passwd_file_is_a_number() => Assert.That(CurrentUser.NameBy(() => ""), Does.Match("^[0-9]+$"));
}
