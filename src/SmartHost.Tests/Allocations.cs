namespace SmartHost.Tests;

/// <summary>
/// Octets that something allocates. They are counted for the whole process: what measures is [NonParallelizable], and waits
/// until the class that ran beside it, which may not have ended yet, has. Once, since what a pool keeps would not be seen again.
/// </summary>
internal static class Allocations
{
    /// <summary>In octets in a tenth of a second: less than any test that runs.</summary>
    private const int Quiet = 100_000;

    public static async Task<long> OfAsync(Func<Task> action)
    {
        // Half a minute at most: then the count says that it was not quiet.
        for (var (before, quiet, round) = (Now, 0, 0); quiet < 5 && round < 300; round++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            var now = Now;
            quiet = now - before < Quiet ? quiet + 1 : 0;
            before = now;
        }
        var start = Now;
        await action();
        return Now - start;
    }

    private static long Now => GC.GetTotalAllocatedBytes(precise: true);
}
