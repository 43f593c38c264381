namespace SmartHost.Practice;

/// <summary>The moments of a connection at which it can be told to misbehave.</summary>
public enum PracticeStage
{
    /// <summary>Accepted, before any octet, on either port.</summary>
    Connect,

    /// <summary>In place of the TLS handshake, on either port.</summary>
    Handshake,

    /// <summary>In place of the 220; under TLS on the implicit port.</summary>
    Greeting,

    /// <summary>EHLO or HELO before TLS.</summary>
    Ehlo,

    StartTls,

    /// <summary>EHLO or HELO under TLS.</summary>
    EhloTls,

    /// <summary>The answer to a whole login; the argument is the mechanism. A scripted 334 is followed by <see cref="AuthResponse"/>.</summary>
    Auth,

    /// <summary>The answer to what a client sends after a scripted 334.</summary>
    AuthResponse,

    /// <summary>The argument is the address.</summary>
    Mail,

    /// <summary>The argument is the address.</summary>
    Rcpt,

    /// <summary>The answer to DATA, or to the first BDAT in place of taking its chunk.</summary>
    Data,

    /// <summary>In mid-message, after <see cref="PracticeRule.After"/> octets of it.</summary>
    Content,

    /// <summary>The answer to the final dot or BDAT LAST, in place of taking the message: it does not arrive.</summary>
    EndOfData,

    /// <summary>The same moment, but the message <em>was</em> taken: it arrived, and only the answer goes wrong.</summary>
    Taken,

    /// <summary>After a message was taken and its 250 sent: what Gmail says without being asked.</summary>
    Idle,

    Rset,
    Noop,
    Quit,
}

/// <summary>One thing to do out of the ordinary. Closed.</summary>
public abstract record Misbehaviour
{
    private Misbehaviour() { }

    /// <summary>
    /// Say this instead, word for word; lines by LF, CRLF is added. A positive reply is a promise kept: 250 to MAIL starts
    /// the transaction, 250 at <see cref="PracticeStage.EndOfData"/> takes the message. After a 421 the connection closes.
    /// </summary>
    public sealed record Reply(string Text) : Misbehaviour
    {
        /// <summary>The last line's code.</summary>
        public int Code => int.TryParse(Text.AsSpan(Text.LastIndexOf('\n') + 1) is { Length: >= 3 } line ? line[..3] : "", out var code) ? code : 0;
    }

    /// <summary>End the connection in order, after sending what was said.</summary>
    public sealed record Close : Misbehaviour;

    /// <summary>End the connection with RST.</summary>
    public sealed record Reset : Misbehaviour;

    /// <summary>Wait until the rule is released, then go on.</summary>
    public sealed record Stall : Misbehaviour;

    /// <summary>Wait that long, then go on.</summary>
    public sealed record Delay(TimeSpan For) : Misbehaviour;

    /// <summary>That many random octets in place of a reply. Up to 16 MiB.</summary>
    public sealed record Garbage(int Octets = 512) : Misbehaviour;

    /// <summary>This text without a line end in place of a reply. Usually a close or a stall follows.</summary>
    public sealed record Half(string Text) : Misbehaviour;

    /// <summary>A reply of that many octets in well-formed lines that never comes to its last. Up to 64 MiB.</summary>
    public sealed record Flood(int Octets = 10_000_000) : Misbehaviour;
}

/// <summary>What to do at a stage, and which time.</summary>
public sealed class PracticeRule(PracticeStage stage, params IReadOnlyList<Misbehaviour> what)
{
    private readonly TaskCompletionSource reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int seen;

    public PracticeStage Stage => stage;

    public IReadOnlyList<Misbehaviour> What => what;

    /// <summary>Only for this address or mechanism, in any letter case; null: for any.</summary>
    public string? Argument { get; init; }

    /// <summary>The first time it acts, counted over all connections from 1.</summary>
    public int First { get; init; } = 1;

    /// <summary>How many times in a row it acts.</summary>
    public int Times { get; init; } = 1;

    /// <summary>At <see cref="PracticeStage.Content"/>: after how many octets of the message.</summary>
    public long After { get; init; } = 1;

    /// <summary>How often it has acted.</summary>
    public int Played => Math.Clamp(Volatile.Read(ref seen) - First + 1, 0, Times);

    /// <summary>Completes when it acts for the first time.</summary>
    public Task Reached => reached.Task;

    /// <summary>Ends every stall of this rule, present and future.</summary>
    public void Release() => released.TrySetResult();

    internal Task Released => released.Task;

    /// <summary>Counts one occurrence of the stage, and says whether the rule acts on it.</summary>
    internal bool Counts(PracticeStage at, string? argument)
    {
        if (at != stage || (Argument is not null && !Argument.Equals(argument, StringComparison.OrdinalIgnoreCase))) return false;
        var time = Interlocked.Increment(ref seen);
        return time >= First && time - First < Times;
    }

    internal void Reach() => reached.TrySetResult();
}

/// <summary>What the practice Gmail has been told to do wrong. Rules may be added while it runs; all may be dropped.</summary>
public sealed class PracticeScript
{
    private readonly Lock guard = new();
    private readonly List<PracticeRule> rules = [];

    /// <summary>The next time only.</summary>
    public PracticeRule Add(PracticeStage stage, params IReadOnlyList<Misbehaviour> what) => Add(new PracticeRule(stage, what));

    /// <summary>The next time only, this reply.</summary>
    public PracticeRule Add(PracticeStage stage, string reply) => Add(stage, new Misbehaviour.Reply(reply));

    public PracticeRule Add(PracticeRule rule)
    {
        lock (guard) rules.Add(rule);
        return rule;
    }

    /// <summary>All at once: a conversation hears all of them or none.</summary>
    public void Add(IReadOnlyList<PracticeRule> together)
    {
        lock (guard) rules.AddRange(together);
    }

    /// <summary>Good behaviour from here on. Stalls under way end.</summary>
    public void Clear()
    {
        List<PracticeRule> dropped;
        lock (guard)
        {
            dropped = [.. rules];
            rules.Clear();
        }
        foreach (var rule in dropped) rule.Release();
    }

    /// <summary>The first rule that acts now. Every rule counts, whichever acts.</summary>
    internal PracticeRule? Next(PracticeStage stage, string? argument = null)
    {
        lock (guard)
        {
            PracticeRule? acting = null;
            foreach (var rule in rules)
            {
                if (rule.Counts(stage, argument)) acting ??= rule;
            }
            return acting;
        }
    }
}
