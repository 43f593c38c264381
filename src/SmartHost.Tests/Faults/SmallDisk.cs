using System.Diagnostics;

namespace SmartHost.Tests.Faults;

/// <summary>A real disk of a few megabytes, in memory: it fills up, and it can turn read-only. Needs root on Linux, to mount it.</summary>
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    /// <summary>Data of ours on it.</summary>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    private string Filler => File("filler");

    /// <summary>Ignores the test where it may not be mounted.</summary>
    public static SmallDisk Mount(int megabytes)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Ignore("only root on Linux may mount a small disk");
        var path = Directory.CreateTempSubdirectory("smarthost-disk-").FullName;
        if (Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", path)) return new SmallDisk(path);
        Directory.Delete(path);
        Assert.Ignore("this machine does not let us mount a small disk");
        throw new UnreachableException();
    }

    /// <summary>Somebody else's file takes all the room there is, or all but so much.</summary>
    public void Fill(int leave = 0)
    {
        using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        try
        {
            for (var block = new byte[4096]; ;) file.Write(block);
        }
        catch (IOException)
        {
            file.SetLength(Math.Max(0, file.Length - leave));
        }
    }

    /// <summary>Somebody else's file goes.</summary>
    public void MakeRoom() => System.IO.File.Delete(Filler);

    /// <summary>As a kernel does it after an error of the disk, or a person by mistake: with files open for writing.</summary>
    public void TurnReadOnly() => Assert.That(Run("mount", "-o", "remount,ro", Path), Is.True, "the disk could not be made read-only");

    public void TurnWritable() => Assert.That(Run("mount", "-o", "remount,rw", Path), Is.True, "the disk could not be made writable");

    public void Dispose()
    {
        Assert.That(Run("umount", Path), Is.True, "the disk is still in use");
        Directory.Delete(Path);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
