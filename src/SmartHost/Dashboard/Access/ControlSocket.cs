using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// The socket in the data folder by which the command line asks a running server: the API without sign-in, for whoever may
/// open the file. If it cannot be bound, Kestrel fails the start and names the path.
/// </summary>
public static class ControlSocket
{
    public const string FileName = "control.sock";

    /// <summary>Octets of its path: macOS has 104, Linux and Windows 108, with a zero at the end.</summary>
    public static int MaxPath => OperatingSystem.IsMacOS() ? 103 : 107;

    public static string PathIn(string dataFolder) => Path.Combine(dataFolder, FileName);

    /// <summary>Call once, while the data folder is ours alone: a socket left behind by a killed process is deleted.</summary>
    public static void ListenControlSocket(this KestrelServerOptions kestrel, string dataFolder)
    {
        var path = PathIn(dataFolder);
        File.Delete(path);
        kestrel.ListenUnixSocket(path, listen => listen.Use(next => connection =>
        {
            // A connection's features are its requests' too; nothing in a request can set one.
            connection.Features.Set(Mark.Instance);
            return next(connection);
        }));
    }

    /// <summary>
    /// Mode 0600 between bind and listen: nobody can connect to a socket that is bound but does not listen, so there is no
    /// moment at which others could. (Windows has no mode; there the folder's access list holds.)
    /// </summary>
    public static IServiceCollection AddControlSocketMode(this IServiceCollection services) => services.Configure<SocketTransportOptions>(options =>
    {
        var bind = options.CreateBoundListenSocket;
        options.CreateBoundListenSocket = endpoint =>
        {
            var socket = bind(endpoint);
            if (endpoint is UnixDomainSocketEndPoint unix && !OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(unix.ToString(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }
            return socket;
        };
    });

    /// <summary>True where the request came by the socket, and so from somebody whom the file's permission trusts.</summary>
    public static bool IsControlSocket(this HttpContext context) => context.Features.Get<Mark>() is not null;

    private sealed record Mark
    {
        public static readonly Mark Instance = new();
    }
}
