using SmartHost.Mail;

namespace SmartHost.Practice;

/// <content>Where the script has its say.</content>
internal sealed partial class PracticeSession
{
    /// <summary>The script's answer if it has one, else this. <paramref name="accepted"/> runs where the answer is positive, whoever gave it.</summary>
    /// <returns>False: the connection is over.</returns>
    private async Task<bool> AnswerAsync(PracticeStage stage, SmtpReply normal, CancellationToken cancellation, string? argument = null, Action? accepted = null)
    {
        var played = await PlayAsync(stage, cancellation, argument);
        if (played.Ended) return false;
        if (!played.Answered) Say(normal);
        if (played.Answered ? played.Positive : normal.IsPositive) accepted?.Invoke();
        return true;
    }

    /// <param name="Code">0: what was said was no reply.</param>
    private readonly record struct Played(bool Answered, int Code, bool Ended)
    {
        public bool Positive => Code is >= 200 and < 400;
    }

    private async Task<Played> PlayAsync(PracticeStage stage, CancellationToken cancellation, string? argument = null) =>
        gmail.Script.Next(stage, argument) is { } rule ? await PlayAsync(rule, cancellation) : default;

    private async Task<Played> PlayAsync(PracticeRule rule, CancellationToken cancellation)
    {
        var played = default(Played);
        rule.Reach();
        foreach (var action in rule.What)
        {
            switch (action)
            {
                case Misbehaviour.Reply reply:
                    wire.Say(reply.Text.ReplaceLineEndings("\r\n") + "\r\n");
                    played = new Played(true, reply.Code, false);
                    if (reply.Code != 421) break;
                    await wire.CloseAsync(cancellation);
                    return played with { Ended = true };
                case Misbehaviour.Half half:
                    wire.Say(half.Text);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Garbage garbage:
                    var noise = new byte[Math.Clamp(garbage.Octets, 1, 16 << 20)];
                    random.NextBytes(noise);
                    wire.Say(noise);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Flood flood:
                    await FloodAsync(Math.Clamp(flood.Octets, 1, 64 << 20), cancellation);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Stall:
                    await wire.FlushAsync(cancellation);
                    await rule.Released.WaitAsync(cancellation);
                    break;
                case Misbehaviour.Delay delay:
                    await wire.FlushAsync(cancellation);
                    await Task.Delay(delay.For, time, cancellation);
                    break;
                case Misbehaviour.Close:
                    await wire.CloseAsync(cancellation);
                    return played with { Ended = true };
                case Misbehaviour.Reset:
                    await wire.FlushAsync(cancellation);
                    wire.Reset();
                    return played with { Ended = true };
            }
        }
        return played;
    }

    private async Task FloodAsync(int octets, CancellationToken cancellation)
    {
        var line = "250-" + new string('x', 506) + "\r\n";
        for (var said = 0; said < octets; said += line.Length)
        {
            wire.Say(line);
            if (said % 65_536 < line.Length) await wire.FlushAsync(cancellation);
        }
        await wire.FlushAsync(cancellation);
    }
}
