using System.Globalization;
using System.Text;
using System.Text.Unicode;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// Reads one command line as devices write it. Total and pure: any octets give a command or the reply they deserve,
/// none an exception. Lenient where a slip cannot be misunderstood (blanks, missing brackets, unknown parameters, any
/// name in HELO); strict where it can: control characters never pass, and of several recipients none is dropped.
/// </summary>
internal static class CommandParser
{
    /// <summary>RFC 5321 §4.5.3.1.4 asks for 512 octets; source routes, long parameters and display names need more.</summary>
    public const int MaxLine = 4096;

    /// <summary>RFC 4954 §4: a base64 response may have 12288 octets.</summary>
    public const int MaxAuthLine = 12_288 + 64;

    private static readonly SmtpCommand.Data Data = new();
    private static readonly SmtpCommand.Reset Reset = new();
    private static readonly SmtpCommand.Noop Noop = new();
    private static readonly SmtpCommand.Verify Verify = new();
    private static readonly SmtpCommand.Help Help = new();
    private static readonly SmtpCommand.Quit Quit = new();
    private static readonly SmtpCommand.StartTls StartTls = new();

    /// <summary>
    /// What clients put before and behind a command without meaning it: blanks, the byte order mark that .NET's StreamWriter
    /// begins with, and the NUL that ends a string in C, which arrives before the next line and harms nothing there.
    /// </summary>
    public static ReadOnlySpan<byte> WithoutDebris(ReadOnlySpan<byte> line)
    {
        line = line.TrimStart((byte)0);
        return (line.StartsWith("\uFEFF"u8) ? line[3..] : line).Trim(" \t\r"u8);
    }

    /// <param name="line">Without its line end.</param>
    public static SmtpCommand Parse(ReadOnlySpan<byte> line)
    {
        line = WithoutDebris(line);
        // A NUL elsewhere is never an accident; an address must not be cut at it, or glued together across it.
        if (line.Contains((byte)0)) return new SmtpCommand.Invalid(Replies.ControlCharacters);
        // A TLS record of type handshake (RFC 8446 §5.1): no command begins so.
        if (line is [0x16, 0x03, ..]) return new SmtpCommand.NotSmtp(Replies.TlsHello);

        // The odd panel speaks its code page; Latin-1 loses no octet and cannot fail.
        var text = (Utf8.IsValid(line) ? Encoding.UTF8 : Encoding.Latin1).GetString(line);
        var end = text.AsSpan().IndexOfAny(' ', '\t', ':');
        var verb = end < 0 ? text : text[..end];
        var rest = end < 0 ? "" : text[end..];
        if (line.Length > MaxLine && !verb.Equals("AUTH", StringComparison.OrdinalIgnoreCase)) return new SmtpCommand.Invalid(Replies.LineTooLong);
        return verb.ToUpperInvariant() switch
        {
            "EHLO" => new SmtpCommand.Helo(rest.Trim(), Extended: true),
            "HELO" => new SmtpCommand.Helo(rest.Trim(), Extended: false),
            "MAIL" => Mail(AfterKeyword(rest, "FROM")),
            "MAILFROM" => Mail(rest.TrimStart(':', ' ', '\t')),
            "RCPT" => Rcpt(AfterKeyword(rest, "TO")),
            "RCPTTO" => Rcpt(rest.TrimStart(':', ' ', '\t')),
            "DATA" => Data,
            "BDAT" => Bdat(rest),
            "RSET" => Reset,
            "NOOP" => Noop,
            "VRFY" => Verify,
            "HELP" => Help,
            "QUIT" => Quit,
            "STARTTLS" => StartTls,
            "AUTH" => Auth(rest),
            "EXPN" or "SEND" or "SOML" or "SAML" or "TURN" or "ETRN" or "ATRN" => new SmtpCommand.Invalid(Replies.NotImplemented),
            "GET" or "POST" or "PUT" or "HEAD" or "OPTIONS" or "DELETE" or "CONNECT" or "PATCH" or "TRACE" or "PRI" =>
                new SmtpCommand.NotSmtp(Replies.Http),
            _ => new SmtpCommand.Invalid(Replies.UnknownCommand),
        };
    }

    /// <summary>What follows <c>FROM:</c> or <c>TO:</c>, blanks on either side of the colon allowed (RFC 5321 §3.3 calls them a common error). Null: the keyword is missing.</summary>
    private static string? AfterKeyword(string rest, string keyword)
    {
        var text = rest.AsSpan().TrimStart(": \t");
        if (!text.StartsWith(keyword, StringComparison.OrdinalIgnoreCase)) return null;
        var after = text[keyword.Length..];
        if (after.Length > 0 && after[0] is not (':' or ' ' or '\t' or '<')) return null;
        return after.TrimStart(": \t").ToString();
    }

    /// <summary>Those of ASCII. What Unicode calls control characters above them are letters in the code pages of DOS and Windows; an address with one is mended or refused like any other.</summary>
    private static bool HasControls(string argument) => argument.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0 || argument.Contains('\x7f');

    private static SmtpCommand.Mail Mail(string? argument)
    {
        if (argument is null) return Refused(Replies.MailSyntax);
        argument = argument.Replace('\t', ' ');
        if (HasControls(argument)) return Refused(Replies.ControlCharacters);
        var (path, rest) = LenientPath.Split(argument);
        var parameters = rest.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        // Not to be let pass like the others: in content that we take for text NULs and bare line ends would be lost (RFC 3030 §3).
        if (parameters.Contains("BODY=BINARYMIME", StringComparer.OrdinalIgnoreCase)) return Refused(Replies.BinaryMime);
        return new SmtpCommand.Mail(LenientPath.ReadSender(path), SizeOf(parameters));

        static SmtpCommand.Mail Refused(SmtpReply reply) => new(ReversePath.Null, 0, reply);
    }

    private static SmtpCommand.Rcpt Rcpt(string? argument)
    {
        if (argument is null) return new([], Replies.RcptSyntax);
        argument = argument.Replace('\t', ' ');
        if (HasControls(argument)) return new([], Replies.ControlCharacters);
        var (path, _) = LenientPath.Split(argument);
        return LenientPath.ReadRecipients(path) is { } recipients
            ? new(recipients)
            : new([], Replies.NoRecipientAddress(path)) { IsPostmaster = path.AsSpan().Trim("<> ").Equals("postmaster", StringComparison.OrdinalIgnoreCase) };
    }

    /// <summary>SIZE is the one parameter that changes what we do. BODY, SMTPUTF8, AUTH=, DSN's four and vendors' own are let pass: dropping them harms nothing, refusing them loses the mail.</summary>
    private static long SizeOf(string[] parameters)
    {
        foreach (var parameter in parameters)
        {
            if (!parameter.StartsWith("SIZE=", StringComparison.OrdinalIgnoreCase)) continue;
            var digits = parameter.AsSpan(5);
            if (long.TryParse(digits, NumberStyles.None, null, out var size)) return size;
            // More digits than a long holds are a number all the same, and too large.
            return digits.Length > 0 && digits.ContainsAnyExceptInRange('0', '9') is false ? long.MaxValue : 0;
        }
        return 0;
    }

    /// <summary>A chunk whose length is not readable leaves nothing to be in step with, hence the hang-up.</summary>
    private static SmtpCommand Bdat(string rest)
    {
        var words = rest.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length is not (1 or 2) || !long.TryParse(words[0], NumberStyles.None, null, out var size)
            || (words.Length == 2 && !words[1].Equals("LAST", StringComparison.OrdinalIgnoreCase)))
        {
            return new SmtpCommand.Invalid(Replies.BdatSyntax, "BDAT", Hangup: true);
        }
        return new SmtpCommand.Bdat(size, words.Length == 2);
    }

    private static SmtpCommand Auth(string rest)
    {
        var words = rest.Split([' ', '\t'], 3, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return words.Length == 0
            ? new SmtpCommand.Invalid(Replies.AuthSyntax, "AUTH")
            : new SmtpCommand.Auth(words[0].ToUpperInvariant(), words.Length > 1 ? new Secret(string.Concat(words[1..])) : null);
    }
}
