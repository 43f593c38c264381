using System.Text;

namespace SmartHost.Tests.Clients;

/// <summary>A message as a shell script writes it: LF lines, raw UTF-8 in the header, no Date, no Message-ID. In Latin-1 characters, one for an octet.</summary>
internal static class HandmadeMessage
{
    public static string Of(ClientBench bench)
    {
        var message = new StringBuilder();
        message.Append($"From: Shop <{ClientBench.From}>\nTo: {ClientBench.To}\nSubject: {ClientBench.Subject}\n");
        message.Append("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=cut\n\n");
        message.Append($"--cut\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{ClientBench.Text}\n\n");
        message.Append("--cut\nContent-Type: application/octet-stream\nContent-Disposition: attachment; filename=scan.bin\nContent-Transfer-Encoding: base64\n\n");
        message.Append(Convert.ToBase64String(File.ReadAllBytes(bench.Attachment), Base64FormattingOptions.InsertLineBreaks).Replace("\r\n", "\n"));
        message.Append("\n--cut--\n");
        return Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(message.ToString()));
    }
}
