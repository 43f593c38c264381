using System.Globalization;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// What a device and we said to each other, in a file for the person who must find out what a scanner does. Logins are
/// masked, message content is cut after its first lines, and file size and number of files are bounded. A disk that
/// fails ends the trace, never the session.
/// </summary>
internal sealed class WireTrace : IDisposable
{
    private const int MaxFile = 256 * 1024, MaxContent = 16 * 1024, MaxFiles = 100;

    private static readonly HashSet<string> Verbs = new(
        ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "VRFY", "HELP", "QUIT", "STARTTLS", "AUTH"], StringComparer.OrdinalIgnoreCase);

    private static readonly HashSet<string> Mechanisms = new(["PLAIN", "LOGIN", "CRAM-MD5", "DIGEST-MD5", "NTLM", "XOAUTH2"], StringComparer.OrdinalIgnoreCase);

    private readonly TimeProvider time;
    private StreamWriter? file;
    private int written, content;
    private bool isLoggingIn;

    private WireTrace(StreamWriter file, TimeProvider time) => (this.file, this.time) = (file, time);

    /// <param name="folder">Made where it is missing; the oldest traces in it make room.</param>
    /// <param name="problem">Why there is no trace.</param>
    public static WireTrace? Open(string folder, string name, string connectionId, TimeProvider time, out string? problem)
    {
        problem = null;
        try
        {
            Directory.CreateDirectory(folder);
            foreach (var old in Directory.GetFiles(folder, "*.log").OrderDescending(StringComparer.Ordinal).Skip(MaxFiles - 1)) File.Delete(old);
            var safe = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' ? c : '_'));
            var path = Path.Combine(folder, $"{time.GetUtcNow():yyyyMMdd-HHmmss-fff}-{safe}-{connectionId}.log");
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.Read };
            // Mail of other people may be in it.
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return new WireTrace(new StreamWriter(path, options) { AutoFlush = true }, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problem = e.Message;
            return null;
        }
    }

    /// <param name="secret">The whole line is a user name or a password.</param>
    public void Received(ReadOnlySpan<byte> line, bool secret)
    {
        content = 0;
        var words = Words(line);
        if (words.Length == 0)
        {
            Add("->", "");
            return;
        }
        // A client that does not wait for replies sends its login even where AUTH was refused, and then as commands; out of step
        // it sends some of it twice. So whatever comes between AUTH and the next command that we know may be part of it.
        if (secret || (isLoggingIn && !Verbs.Contains(words[0])))
        {
            Add("->", words is ["*"] ? "*" : "***");
            return;
        }
        isLoggingIn = IsLogin(words);
        Add("->", isLoggingIn ? Masked(words) : Escaped(line));
    }

    public void Sent(SmtpReply reply)
    {
        for (var i = 0; i < reply.Lines.Count; i++)
        {
            Add("<-", $"{reply.Code}{(i == reply.Lines.Count - 1 ? ' ' : '-')}{(reply.Status is { } status ? $"{status} " : "")}{reply.Lines[i]}");
        }
    }

    public void Content(ReadOnlySpan<byte> octets)
    {
        if (file is null || content > MaxContent) return;
        content += octets.Length;
        Add("=>", Escaped(octets[..Math.Min(octets.Length, MaxContent)]));
        if (content > MaxContent) Add("--", "more content, not shown");
    }

    public void Note(string text) => Add("--", text);

    public void Dispose()
    {
        var ended = file;
        file = null;
        try
        {
            ended?.Dispose();
        }
        catch (IOException)
        {
            // It wrote once more what the disk had not taken.
        }
    }

    private void Add(string direction, string text)
    {
        if (file is null) return;
        try
        {
            written += text.Length;
            var isFull = written > MaxFile;
            file.WriteLine($"{time.GetLocalNow().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture)} {direction} {(isFull ? "the trace ends here: it has grown too long" : text)}");
            if (isFull) Dispose();
        }
        catch (IOException)
        {
            Dispose();
        }
    }

    /// <summary>As the parser divides them, so that nothing it takes for AUTH is shown.</summary>
    private static string[] Words(ReadOnlySpan<byte> line) =>
        Encoding.Latin1.GetString(CommandParser.WithoutDebris(line)).Split([' ', '\t', ':', '=', '\0'], StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Also where the command is misspelt, or glued to what follows: somebody types it by hand.</summary>
    private static bool IsLogin(string[] words) => words.Length > 0
        && (words[0].StartsWith("AUTH", StringComparison.OrdinalIgnoreCase) || (!Verbs.Contains(words[0]) && words.Take(3).Any(Mechanisms.Contains)));

    /// <summary><c>AUTH PLAIN …</c> carries the password in the command itself. Only a name that we know is certainly no password.</summary>
    private static string Masked(string[] words)
    {
        var mechanism = words.Length > 1 && Mechanisms.Contains(words[1]) ? " " + words[1] : "";
        return $"AUTH{mechanism}{(words.Length > (mechanism.Length > 0 ? 2 : 1) || words[0].Length > 4 ? " ***" : "")}";
    }

    /// <summary>Octets that a terminal would not show, or would obey, are written as <c>\x1b</c>; line ends stay visible.</summary>
    private static string Escaped(ReadOnlySpan<byte> octets)
    {
        var text = new StringBuilder(octets.Length + 16);
        foreach (var octet in octets)
        {
            switch (octet)
            {
                case (byte)'\r':
                    text.Append("\\r");
                    break;
                case (byte)'\n':
                    text.Append("\\n\n                ");
                    break;
                case (byte)'\t':
                    text.Append("\\t");
                    break;
                case >= (byte)' ' and <= (byte)'~':
                    text.Append((char)octet);
                    break;
                default:
                    text.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}");
                    break;
            }
        }
        return text.ToString().TrimEnd(' ', '\n');
    }
}
