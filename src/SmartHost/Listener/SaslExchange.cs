using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>What a login's answer says: whose, and with which password. Prints without the password.</summary>
internal sealed record Credentials(string Username, Secret Password);

/// <summary>
/// The two SASL mechanisms that devices use, PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login), as a pure sequence:
/// give it the client's answers one by one, and it says what to ask next until it has the credentials or gives up.
/// </summary>
internal sealed class SaslExchange(bool login)
{
    // Some clients (Go's, for Prometheus) compare these word for word.
    private static readonly SmtpReply AskUsername = new(334, "VXNlcm5hbWU6"), AskPassword = new(334, "UGFzc3dvcmQ6"), AskPlain = new(334, "");

    private string? username;

    public Credentials? Credentials { get; private set; }

    /// <summary>Null: the mechanism is not one of ours.</summary>
    public static SaslExchange? For(string mechanism) => mechanism switch
    {
        "PLAIN" => new SaslExchange(login: false),
        "LOGIN" => new SaslExchange(login: true),
        _ => null,
    };

    /// <summary>What follows AUTH itself: a challenge, or at once the result where an initial response came along.</summary>
    public SmtpReply? Begin(Secret? initial) => initial is null ? login ? AskUsername : AskPlain : Next(initial);

    /// <summary>The next challenge (3xx), the refusal that ends the exchange (5xx), or null once <see cref="Credentials"/> are known.</summary>
    /// <param name="answer">A line from the client.</param>
    public SmtpReply? Next(Secret answer)
    {
        var text = answer.Reveal().Trim();
        if (text == "*") return Replies.AuthCancelled;
        if (Decode(text) is not { } decoded) return Replies.AuthNotBase64;
        return login ? Login(decoded) : Plain(decoded);
    }

    private SmtpReply? Login(string decoded)
    {
        // The end of a string in C, where sizeof was taken for its length.
        decoded = decoded.TrimEnd('\0');
        if (username is null)
        {
            username = decoded;
            return AskPassword;
        }
        Credentials = new Credentials(username, new Secret(decoded));
        return null;
    }

    /// <summary>
    /// [authzid] NUL authcid NUL password. The authorization identity is ignored: it can only be the same device. Panels also leave out the first NUL,
    /// or add one at the end, or both: an empty password is none, and what stands before it must not become the name, which logs and the page show.
    /// </summary>
    private SmtpReply? Plain(string decoded)
    {
        (string User, string Password)? pair = decoded.Split('\0') switch
        {
            [var first, var second] => (first, second),
            [not "" and var first, var second, ""] => (first, second),
            [var identity, var name, var last, ..] => (name.Length > 0 ? name : identity, last),
            _ => null,
        };
        if (pair is not var (user, password)) return Replies.AuthNotBase64;
        Credentials = new Credentials(user, new Secret(password));
        return null;
    }

    /// <summary>Base64 as panels write it: blanks anywhere, padding missing. A lone = is the empty answer (RFC 4954 §4).</summary>
    private static string? Decode(string text)
    {
        if (text == "=") return "";
        var compact = new StringBuilder(text.Length + 3);
        foreach (var c in text)
        {
            if (c is not (' ' or '\t' or '=')) compact.Append(c);
        }
        compact.Append('=', (4 - (compact.Length % 4)) % 4);
        var buffer = new byte[compact.Length];
        if (!Convert.TryFromBase64String(compact.ToString(), buffer, out var length)) return null;
        var octets = buffer.AsSpan(0, length);
        var decoded = (System.Text.Unicode.Utf8.IsValid(octets) ? Encoding.UTF8 : Encoding.Latin1).GetString(octets);
        // A line end behind it comes from “echo | base64”.
        return decoded.TrimEnd('\r', '\n');
    }
}
