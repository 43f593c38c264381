namespace SmartHost.Hosting;

/// <summary>
/// One thread serves all sockets, and runs at once whatever an event leads to. By default .NET hands each event to its thread pool,
/// and waking another thread costs more than answering a command: this takes in 1.4 times as many messages from one device and 1.3
/// times as many from fifty (measured on two cores, 4 KB). Several such threads, by default one a core, get in each other's way and in
/// that of the queue's writer: a single one takes in 1.04 to 1.2 times as many from ten devices and 1.08 times as many from fifty, for
/// an eighth less of the processor.
/// <para>
/// The price: whatever blocks on that thread, all connections wait for. So what may take long leaves it: content beyond the first
/// <see cref="Queue.IncomingMessage.MaxInRow"/> octets is written and passwords are hashed on pool threads, the queue commits on a
/// thread of its own, the page and Gmail's side leave it with their first step. What stays are short writes into the system's cache:
/// a line of the log for a refusal, and a device's trace while somebody asks for one.
/// The work that is left to it is some 0.15 ms a message: it has room for thousands a second.
/// </para>
/// </summary>
internal static class SocketThreads
{
    /// <summary>.NET's own variables, not part of its promised interface: where a later one does not know them, it is slower and no less right.</summary>
    private static readonly (string Name, string Value)[] Variables =
    [
        ("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"),
        ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", "1"),
    ];

    /// <summary>Before the first socket is made: .NET reads its variables once. Who has set one already is obeyed.</summary>
    public static void AnswerAtOnce()
    {
        foreach (var (name, value) in Variables)
        {
            if (Environment.GetEnvironmentVariable(name) is null) Environment.SetEnvironmentVariable(name, value);
        }
    }
}
