using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// What devices handed over and what they heard, beside what arrived: the promise as books that must balance, whatever
/// happened to the process in between.
/// </summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, HandOver> handOvers = new();

    /// <summary>Every message that heard 250.</summary>
    public HashSet<string> Accepted => [.. handOvers.Where(pair => pair.Value == HandOver.Accepted).Select(pair => pair.Key)];

    /// <summary>What the device heard last that was refused.</summary>
    public string? LastRefusal { get; private set; }

    public int Begun => handOvers.Count;

    public async Task<HandOver> SendAsync(int port, string token, int size, CancellationToken cancellation)
    {
        handOvers[token] = HandOver.NotSent;
        return handOvers[token] = await SmtpDevice.SendAsync(port, token, size, cancellation, onRefusal: said => LastRefusal = said);
    }

    /// <summary>Sends one message after the other until told to stop. A device that gets no answer comes again with its next one.</summary>
    /// <param name="pause">The longest between two messages.</param>
    public async Task LoadAsync(string device, int port, Random random, TimeSpan pause, CancellationToken stop, params int[] sizes)
    {
        if (sizes is []) sizes = [800, 4_000, 60_000, 700_000];
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            await SendAsync(port, $"{device}n{number}", sizes[random.Next(sizes.Length)], CancellationToken.None);
            try
            {
                await Task.Delay(pause * random.NextDouble(), TimeProvider.System, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>
    /// Waits until nothing in the queue is open any more: from then on, what has not arrived is lost. Asked of the
    /// database itself, so that a lost message shows at once and not at the end of somebody's patience.
    /// </summary>
    public static async Task DrainedAsync(string dataFolder, SmartHostProcess process, CancellationToken cancellation)
    {
        while (Open(dataFolder) is var open and > 0)
        {
            if (process.HasExited) throw new AssertionException($"smarthost ended while mail was waiting:\n{process.Output}");
            if (cancellation.IsCancellationRequested) throw new AssertionException($"{open} messages still wait:\n{process.Output}");
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    /// <summary>Every accepted message arrived, whole; nothing else did; a copy too many was announced by a restart.</summary>
    /// <param name="logs">What each process said.</param>
    /// <returns>How many copies too many there are.</returns>
    public int AssertBalance(PracticeGmail gmail, IReadOnlyCollection<string> logs)
    {
        var arrived = gmail.Messages.GroupBy(Token).ToList();
        var lost = Accepted.Except(arrived.Select(message => message.Key)).ToList();
        Assert.That(lost, Is.Empty, $"{lost.Count} of {Accepted.Count} accepted messages did not arrive\n{logs.LastOrDefault()}");
        var invented = arrived.Where(message => handOvers.GetValueOrDefault(message.Key, HandOver.NotSent) == HandOver.NotSent).Select(message => message.Key);
        Assert.That(invented, Is.Empty, "arrived, but was never sent whole or was refused");
        var torn = gmail.Messages.Where(message => !message.Text().Contains($"end of {Token(message)}", StringComparison.Ordinal)).Select(Token);
        Assert.That(torn, Is.Empty, "arrived without its end");

        var twice = arrived.Where(message => message.Count() > 1).ToList();
        Assert.Multiple(() =>
        {
            foreach (var copies in twice)
            {
                Assert.That(copies.Select(copy => copy.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1), $"{copies.Key}: copies must carry one Message-ID");
                // A restart says it of each message whose attempt was cut off: a copy more than it said would be an unexplained one.
                var id = QueueIdOf(copies.First());
                var announced = logs.Sum(log => Regex.Count(log, $"{id}: possible duplicate"));
                Assert.That(copies.Count() - 1, Is.LessThanOrEqualTo(announced), $"{copies.Key} ({id}): copies that no restart announced");
            }
        });
        return twice.Sum(message => message.Count() - 1);
    }

    private static long Open(string dataFolder)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(dataFolder, "queue.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var count = connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM messages WHERE state < 3";
        return (long)count.ExecuteScalar()!;
    }

    public static string Token(PracticeMessage message) => message.Header("X-Token") ?? "(no token)";

    /// <summary>From our Received field, the first one: "… with SMTP id 1ABC …; date".</summary>
    private static string QueueIdOf(PracticeMessage message) => Regex.Match(message.Header("Received") ?? "", @"\bid (\w+)").Groups[1].Value;
}
