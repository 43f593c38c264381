using System.Security.Cryptography;

namespace SmartHost.Dashboard;

/// <summary>The page's own files, carried inside the program: style, script, icon, API document. A missing one is a bug of the build.</summary>
internal sealed record Asset(string Name, string ContentType, byte[] Content)
{
    public static readonly IReadOnlyList<Asset> All =
    [
        Load("smarthost.css", "text/css; charset=utf-8"),
        Load("smarthost.js", "text/javascript; charset=utf-8"),
        Load("icon.svg", "image/svg+xml"),
    ];

    /// <summary>With a hash of the content, so that browsers may keep it for ever and still see the next version at once.</summary>
    public string Path { get; } = $"/assets/{Convert.ToHexStringLower(SHA256.HashData(Content).AsSpan(0, 6))}/{Name}";

    public static string PathOf(string name) => All.First(asset => asset.Name == name).Path;

    public static string Read(string name) => System.Text.Encoding.UTF8.GetString(Bytes(name));

    public static void Map(IEndpointRouteBuilder app)
    {
        foreach (var asset in All)
        {
            app.MapGet(asset.Path, (HttpContext context) =>
            {
                context.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
                return TypedResults.Bytes(asset.Content, asset.ContentType);
            }).WithMetadata(Access.OpenToAnyone.Instance);
        }
    }

    private static Asset Load(string name, string type) => new(name, type, Bytes(name));

    private static byte[] Bytes(string name)
    {
        using var stream = typeof(Asset).Assembly.GetManifestResourceStream($"SmartHost.Dashboard.Assets.{name}")
            ?? throw new InvalidOperationException($"{name} is not embedded");
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return content.ToArray();
    }
}
