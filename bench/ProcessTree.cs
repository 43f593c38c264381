using System.Globalization;

namespace SmartHost.Bench;

/// <summary>What a server and all its children use, from /proc: Postfix is a dozen processes, SmartHost is one.</summary>
internal static class ProcessTree
{
    /// <summary>sysconf(_SC_CLK_TCK) is 100 on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    /// <summary>User and system time, in milliseconds, of the living and of the reaped.</summary>
    public static double ProcessorMilliseconds(int root) => Members(root).Sum(pid =>
    {
        var fields = Stat(pid);
        // utime, stime, cutime, cstime: fields 14 to 17 of proc(5), counted behind the name in parentheses.
        return fields is null ? 0 : fields[11..15].Sum(field => double.Parse(field, CultureInfo.InvariantCulture)) / TicksPerSecond * 1000;
    });

    /// <summary>Proportional set size in MB: shared pages are counted once over all processes.</summary>
    public static double ProportionalMegabytes(int root) => Members(root).Sum(pid =>
    {
        try
        {
            var line = File.ReadLines($"/proc/{pid}/smaps_rollup").FirstOrDefault(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
        }
        catch (IOException)
        {
            return 0; // ended meanwhile
        }
    });

    public static List<int> Members(int root)
    {
        var children = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Select(pid => (pid, stat: Stat(pid))).Where(entry => entry.stat is not null)
            .ToLookup(entry => int.Parse(entry.stat![1], CultureInfo.InvariantCulture), entry => entry.pid);
        var members = new List<int> { root };
        for (var i = 0; i < members.Count; i++) members.AddRange(children[members[i]]);
        return members;
    }

    /// <summary>The fields behind the name: state, parent, … Null: no such process any more.</summary>
    private static string[]? Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
    }
}
