namespace SmartHost.Gmail.Repair;

/// <summary>
/// File types that Gmail refuses as attachments (552 5.7.0), whatever is in them. Source:
/// https://support.google.com/mail/answer/6590. Gmail looks into archives too; we only read names.
/// </summary>
internal static class BlockedTypes
{
    private static readonly HashSet<string> Extensions = new(
        [
            "ade", "adp", "apk", "appx", "appxbundle", "bat", "cab", "chm", "cmd", "com", "cpl", "diagcab", "diagcfg", "diagpkg",
            "dll", "dmg", "ex", "ex_", "exe", "hta", "img", "ins", "iso", "isp", "jar", "jnlp", "js", "jse", "lib", "lnk", "mde",
            "mjs", "msc", "msi", "msix", "msixbundle", "msp", "mst", "nsh", "pif", "ps1", "scr", "sct", "shb", "sys", "vb", "vbe",
            "vbs", "vhd", "vxd", "wsc", "wsf", "wsh", "xll",
        ], StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string fileName)
    {
        // Windows ignores dots and blanks at the end of a name, so a filter must too.
        var name = fileName.TrimEnd('.', ' ');
        var dot = name.LastIndexOf('.');
        return dot >= 0 && Extensions.Contains(name[(dot + 1)..]);
    }
}
