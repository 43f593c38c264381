using System.Globalization;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>
/// A scan as an old multifunction printer mails it: a From that nobody owns, a date in C's own format, no Message-ID,
/// MIME as its firmware learnt it. What SmartHost has to mend before Gmail may see it.
/// </summary>
public static class SampleScan
{
    public const string Sender = "scanner@mfp.local";

    public const string Subject = "Scan from MFP-2004";

    public const string AttachmentName = "scan0001.pdf";

    /// <summary>The page: a valid PDF under 5 KB.</summary>
    public static byte[] Pdf() => SamplePdf.Draw("SmartHost sample scan", "If you can read this, the scan has made it.");

    /// <summary>The message, CRLF lines, not dot-stuffed.</summary>
    /// <param name="at">The device's idea of the time.</param>
    public static byte[] Message(Mailbox recipient, DateTimeOffset at)
    {
        const string boundary = "MFP_2004_PART";
        var date = at.ToString("ddd MMM d HH:mm:ss yyyy", CultureInfo.InvariantCulture);
        var encoded = Convert.ToBase64String(Pdf(), Base64FormattingOptions.InsertLineBreaks).ReplaceLineEndings("\r\n");
        return Encoding.ASCII.GetBytes($"""
            From: "MFP-2004" <{Sender}>
            To: {recipient}
            Subject: {Subject}
            Date: {date}
            X-Mailer: MFP-2004 Scan to E-mail 1.02
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary="{boundary}"

            --{boundary}
            Content-Type: text/plain; charset=us-ascii
            Content-Transfer-Encoding: 7bit

            This E-mail was sent from "MFP-2004".
            .
            Scan Date: {date}

            --{boundary}
            Content-Type: application/pdf; name="{AttachmentName}"
            Content-Transfer-Encoding: base64
            Content-Disposition: attachment; filename="{AttachmentName}"

            {encoded}
            --{boundary}--

            """.ReplaceLineEndings("\r\n"));
    }

    /// <summary>What the printer says, turn by turn: HELO with a bare name, no AUTH, no TLS, a blank after the colon.</summary>
    public static IReadOnlyList<DeviceTurn> Dialogue(Mailbox recipient, DateTimeOffset at) =>
    [
        DeviceTurn.Command("HELO MFP-2004"),
        DeviceTurn.Command($"MAIL FROM: <{Sender}>"),
        DeviceTurn.Command($"RCPT TO: <{recipient}>"),
        DeviceTurn.Command("DATA"),
        DeviceTurn.Message(Message(recipient, at)),
        DeviceTurn.Command("QUIT"),
    ];
}
