namespace SmartHost.Mail;

/// <summary>Names of header fields (RFC 5322 §3.6, RFC 2045, and what mail software adds), by which a header is told from a line of text with a colon.</summary>
internal static class HeaderNames
{
    private static readonly HashSet<string> Known = new(StringComparer.OrdinalIgnoreCase)
    {
        "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Date", "Subject", "Message-ID", "In-Reply-To", "References",
        "Received", "Return-Path", "MIME-Version", "Importance", "Precedence", "Sensitivity", "User-Agent", "Mailer",
        "Auto-Submitted", "Disposition-Notification-To", "Return-Receipt-To", "Errors-To", "DKIM-Signature",
        "Authentication-Results", "Delivered-To", "Thread-Topic", "Thread-Index", "Apparently-To", "Received-SPF",
    };

    private static readonly string[] Families = ["X-", "Content-", "Resent-", "List-", "ARC-"];

    public static bool IsKnown(string name) =>
        Known.Contains(name) || Array.Exists(Families, family => name.StartsWith(family, StringComparison.OrdinalIgnoreCase));
}
