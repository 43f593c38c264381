using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Dashboard.Access;

/// <summary>One signed-in browser.</summary>
public sealed record Session(string Id, DateTimeOffset IssuedAt);

/// <summary>
/// Sessions without a table: the cookie says when it was issued and which session it is, and a MAC says that we said so.
/// The MAC's key is kept with the queue, so a restart signs nobody out; the password is part of it, so a changed password
/// signs everybody out. Only those that were signed out are remembered, until their last token would have ended by itself,
/// so that a copied cookie is worth nothing after that. (ASP.NET's Data Protection would do the rest, at the price of a key ring and its XML.)
/// A token that does not read, or is too old, is no session: that is its only failure.
/// </summary>
/// <param name="queue">Where it is kept which sessions were signed out. Null: in memory alone.</param>
public sealed class SessionTokens(byte[] kept, Func<Secret> password, TimeProvider time, MailQueue? queue = null)
{
    private const string SignedOutScope = "dashboard-signed-out";

    public const string Cookie = "smarthost-session";

    /// <summary>From the last renewal; a browser in use is renewed once a day.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(14), RenewAfter = TimeSpan.FromDays(1);

    private readonly ConcurrentDictionary<string, bool> signedOut = [];

    private const int TimeOctets = 8, IdOctets = 16, MacOctets = 32, Octets = TimeOctets + IdOctets + MacOctets;

    public static async Task<SessionTokens> OpenAsync(MailQueue queue, Func<Secret> password, TimeProvider time, CancellationToken cancellation)
    {
        const string scope = "dashboard", name = "session-key";
        var kept = queue.GetState(scope, name);
        if (kept is null)
        {
            // A JSON string, as everything kept there is JSON.
            kept = $"\"{Convert.ToHexString(RandomNumberGenerator.GetBytes(32))}\"";
            // Where the disk does not take it, the next start makes another, and people sign in again.
            await queue.PutStateAsync(scope, name, kept, cancellation);
        }
        var tokens = new SessionTokens(Encoding.ASCII.GetBytes(kept), password, time, queue);
        foreach (var (id, at) in queue.GetStates(SignedOutScope))
        {
            if (long.TryParse(at, out var seconds) && (time.GetUtcNow() - DateTimeOffset.FromUnixTimeSeconds(seconds)).Duration() < Lifetime) tokens.signedOut[id] = true;
            else await queue.PutStateAsync(SignedOutScope, id, null, cancellation);
        }
        return tokens;
    }

    /// <summary>Ends it wherever its cookie is. Where the disk does not take that, it holds until the next start.</summary>
    public async Task SignOutAsync(Session session)
    {
        signedOut[session.Id] = true;
        if (queue is not null) await queue.PutStateAsync(SignedOutScope, session.Id, time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), CancellationToken.None);
    }

    public (string Token, Session Session) Issue() => Issue(RandomNumberGenerator.GetBytes(IdOctets));

    /// <summary>The same session, good for another <see cref="Lifetime"/>.</summary>
    public string Renew(Session session) => Issue(Convert.FromHexString(session.Id)).Token;

    public bool IsWorthRenewing(Session session) => time.GetUtcNow() - session.IssuedAt >= RenewAfter;

    public Session? Read(string? token)
    {
        Span<byte> octets = stackalloc byte[Octets];
        if (token is null || token.Length != Base64Url.GetEncodedLength(Octets)) return null;
        if (!Base64Url.TryDecodeFromChars(token, octets, out var written) || written != Octets) return null;
        if (!CryptographicOperations.FixedTimeEquals(Mac("session", octets[..^MacOctets]), octets[^MacOctets..])) return null;
        var issued = DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadInt64BigEndian(octets));
        var age = time.GetUtcNow() - issued;
        // A clock that was set back must not sign people out at once, nor make a session immortal.
        if (age >= Lifetime || age < -Lifetime) return null;
        var id = Convert.ToHexString(octets.Slice(TimeOctets, IdOctets));
        return signedOut.ContainsKey(id) ? null : new Session(id, issued);
    }

    /// <summary>What a form of that session must carry: no other site can read it, so no other site can post for the person.</summary>
    public string CsrfToken(Session session) => Base64Url.EncodeToString(Mac("csrf", Encoding.ASCII.GetBytes(session.Id)));

    public bool IsCsrfToken(Session session, string? text) =>
        text is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(CsrfToken(session)));

    private (string Token, Session Session) Issue(ReadOnlySpan<byte> id)
    {
        Span<byte> octets = stackalloc byte[Octets];
        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        BinaryPrimitives.WriteInt64BigEndian(octets, now.ToUnixTimeSeconds());
        id.CopyTo(octets[TimeOctets..]);
        Mac("session", octets[..^MacOctets]).CopyTo(octets[^MacOctets..]);
        return (Base64Url.EncodeToString(octets), new Session(Convert.ToHexString(id), now));
    }

    /// <summary>The purpose is part of what is signed, so that one kind of token never passes for the other.</summary>
    private byte[] Mac(string purpose, ReadOnlySpan<byte> content)
    {
        var key = HMACSHA256.HashData(kept, Encoding.UTF8.GetBytes(password().Reveal()));
        return HMACSHA256.HashData(key, (byte[])[.. Encoding.ASCII.GetBytes(purpose), 0, .. content]);
    }
}
