namespace SmartHost.Disk;

/// <summary>Whether a file could be written in a folder that may not exist yet, found out by writing one and taking it away again.</summary>
internal static class WriteProbe
{
    /// <returns>Why not, as the system says it; null: it could.</returns>
    public static string? Obstacle(string folder)
    {
        var probe = Path.Combine(Existing(folder), $".probe-{Path.GetRandomFileName()}");
        try
        {
            // A new one: a link that somebody left under its name is not followed, since root may be asking.
            new FileStream(probe, FileMode.CreateNew).Dispose();
            File.Delete(probe);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure.Message;
        }
    }

    /// <summary>The folder, or the nearest one above it that is there: what is missing below would be made.</summary>
    public static string Existing(string folder)
    {
        var at = Path.GetFullPath(folder);
        while (!Path.Exists(at) && Path.GetDirectoryName(at) is { } above) at = above;
        return at;
    }
}
