using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// What every request passes, in this order: the headers that keep a browser careful, the name it was asked by, who asks,
/// and for changes, that the person meant it. Only endpoints marked <see cref="OpenToAnyone"/> answer without a sign-in.
/// A bug behind the gate is logged and ends as one sentence, never as a stack trace.
/// </summary>
internal sealed partial class Gate(Func<DashboardSettings> settings, Func<Secret> password, SessionTokens sessions, LoginThrottle throttle, ILogger<Gate> logger)
{
    /// <summary>Octets of a request's body: our largest form is a hundredth of it.</summary>
    private const long MaxBody = 64 * 1024;

    /// <summary>Octets of a body that is refused by its length and read to nowhere: a browser whose connection is cut while it still sends shows that, and not our sentence.</summary>
    private const long MostIgnored = 4 * 1024 * 1024;

    public async Task PassAsync(HttpContext context, RequestDelegate next)
    {
        SetHeaders(context.Response.Headers);
        var isTooLarge = context.Request.ContentLength > MaxBody;
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = isTooLarge ? MostIgnored : MaxBody;
        try
        {
            if (isTooLarge) await TooLarge(context).ExecuteAsync(context);
            else if (await RefusalAsync(context) is { } refusal) await refusal.ExecuteAsync(context);
            else await next(context);
        }
        catch (BadHttpRequestException failure)
        {
            await (failure.StatusCode == 413 ? TooLarge(context)
                : Problem(context, failure.StatusCode, "The request could not be read: a value in its address or body is not what it should be.")).ExecuteAsync(context);
        }
        catch (InvalidDataException)
        {
            // A form with an octet of zero in it, or with more fields than any of ours.
            await Problem(context, 400, "The form could not be read: something in it is not what it should be.").ExecuteAsync(context);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested)
        {
            // The queue's own sentence: a page of its database is damaged, its disk does not answer, a file of it is not ours to read.
            Log.Unreadable(logger, context.Request.Method, context.Request.Path, failure.Message);
            await Problem(context, 503, failure.Message).ExecuteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser has gone; there is nobody to tell.
        }
        catch (Exception bug) when (!context.Response.HasStarted)
        {
            Log.Bug(logger, bug, context.Request.Method, context.Request.Path);
            await Problem(context, 500, "Something went wrong in SmartHost, and its log says what. Mail is not affected. Try again; if it stays, please report it with that part of the log.").ExecuteAsync(context);
        }
    }

    /// <summary>Null: the guess was right and the response carries the cookie.</summary>
    public LoginResult SignIn(HttpContext context, string guess)
    {
        var result = throttle.Attempt(ClientOf(context), () => AreEqual(guess, password()));
        if (result.Right) SetCookie(context, sessions.Issue().Token);
        else if (result.Wait is null) Log.WrongPassword(logger, ClientOf(context));
        return result;
    }

    public async Task SignOutAsync(HttpContext context)
    {
        if (context.Features.Get<Visitor>() is Visitor.Person person) await sessions.SignOutAsync(person.Session);
        context.Response.Cookies.Delete(SessionTokens.Cookie, CookieOptions(context));
    }

    public bool IsSignedIn(HttpContext context) => sessions.Read(context.Request.Cookies[SessionTokens.Cookie]) is not null;

    private async Task<IResult?> RefusalAsync(HttpContext context)
    {
        var metadata = context.GetEndpoint()?.Metadata;
        var local = context.IsControlSocket();
        if (!local && metadata?.GetMetadata<AnswersToAnyName>() is null && !HostNames.Answers(context.Request.Host.Host, settings().Hosts))
        {
            return Problem(context, StatusCodes.Status421MisdirectedRequest,
                $"SmartHost does not answer to the name “{context.Request.Host.Host}”. Open the page by its address, such as http://192.168.1.10:{settings().Port}, or list the name under dashboard.hosts.");
        }

        var changes = !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method);
        if (metadata?.GetMetadata<OpenToAnyone>()?.When() == true)
        {
            return changes && !IsFromOurselves(context.Request) ? Problem(context, 403, "This form was sent from another site. Open SmartHost's own page and try again.") : null;
        }

        var (visitor, wait) = Identify(context, local);
        if (wait is { } seconds) return TooManyGuesses(context, seconds);
        if (visitor is null) return SignInFirst(context, changes);
        context.Features.Set(visitor);
        if (changes && visitor is Visitor.Person person && !(IsFromOurselves(context.Request) && await CarriesTokenAsync(context.Request, person)))
        {
            return Problem(context, 403, "This form is out of date, or another site sent it, so nothing was done. Reload the page and try again.");
        }
        return null;
    }

    private (Visitor? Visitor, TimeSpan? Wait) Identify(HttpContext context, bool local)
    {
        if (local) return (new Visitor.CommandLine(), null);
        const string scheme = "Bearer ";
        var authorization = context.Request.Headers.Authorization.ToString();
        if (settings().Token is { } token && authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase))
        {
            var result = throttle.Attempt(ClientOf(context), () => AreEqual(authorization[scheme.Length..].Trim(), token));
            if (!result.Right && result.Wait is null) Log.WrongToken(logger, ClientOf(context));
            return (result.Right ? new Visitor.Script() : null, result.Wait);
        }
        if (sessions.Read(context.Request.Cookies[SessionTokens.Cookie]) is not { } session) return (null, null);
        if (sessions.IsWorthRenewing(session)) SetCookie(context, sessions.Renew(session));
        return (new Visitor.Person(session, sessions.CsrfToken(session)), null);
    }

    private async Task<bool> CarriesTokenAsync(HttpRequest request, Visitor.Person person)
    {
        if (request.Headers["X-CSRF-Token"].ToString() is { Length: > 0 } header) return sessions.IsCsrfToken(person.Session, header);
        return request.HasFormContentType && sessions.IsCsrfToken(person.Session, (await request.ReadFormAsync()).TryGetValue("csrf", out var field) ? field.ToString() : null);
    }

    /// <summary>
    /// The second lock beside the token: a browser says where a form came from. Over HTTPS it judges itself whether that is
    /// the page's own site, whatever name a reverse proxy hands on. Else by host and port alone, since that proxy hands on
    /// a plain request. No header at all is a script or an old browser.
    /// </summary>
    private static bool IsFromOurselves(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site) return site is "same-origin" or "none";
        if (request.Headers.Origin.ToString() is not { Length: > 0 } origin) return true;
        return Uri.TryCreate(origin, UriKind.Absolute, out var from) && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }

    private static IResult SignInFirst(HttpContext context, bool changes)
    {
        if (IsApi(context.Request))
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            return Problem(context, 401, "Sign in first, or send Authorization: Bearer with the token that is set as dashboard.token.");
        }
        if (changes) return Problem(context, 401, "You were signed out, so nothing was done. Sign in and try again.");
        return new SeeOther(context.Request.Path == "/" ? "/sign-in" : "/sign-in?to=" + Uri.EscapeDataString(context.Request.Path + context.Request.QueryString));
    }

    private static IResult TooManyGuesses(HttpContext context, TimeSpan wait)
    {
        context.Response.Headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(null as IFormatProvider);
        return Problem(context, 429, $"Too many wrong tries. Try again in {Wording.Duration(wait)}.");
    }

    private static IResult Problem(HttpContext context, int status, string sentence) =>
        IsApi(context.Request) ? ApiProblem.Result(status, sentence) : new PlainProblem(status, sentence);

    private static IResult TooLarge(HttpContext context) =>
        Problem(context, StatusCodes.Status413PayloadTooLarge, $"That is more than the {MaxBody >> 10} KB that SmartHost reads at once, so nothing was done. Go back and send less; *@example.com stands for all addresses of a domain.");

    private static bool IsApi(HttpRequest request) => request.Path.StartsWithSegments("/api") || request.Path.StartsWithSegments("/metrics");

    private static bool AreEqual(string guess, Secret secret) =>
        // Hashes, so that neither content nor length shows in the time it takes.
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(guess)), SHA256.HashData(Encoding.UTF8.GetBytes(secret.Reveal())));

    /// <summary>As the log writes addresses elsewhere: a port that listens for both kinds shows IPv4 as ::ffff:a.b.c.d.</summary>
    internal static IPAddress ClientOf(HttpContext context) => DeviceDirectory.Normalise(context.Connection.RemoteIpAddress ?? IPAddress.None);

    private static void SetCookie(HttpContext context, string token) => context.Response.Cookies.Append(SessionTokens.Cookie, token, CookieOptions(context));

    private static CookieOptions CookieOptions(HttpContext context) => new()
    {
        HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", MaxAge = SessionTokens.Lifetime, Secure = context.Request.IsHttps,
    };

    private static void SetHeaders(IHeaderDictionary headers)
    {
        headers.ContentSecurityPolicy =
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";
        // Not no-referrer: under that one browsers send "Origin: null" with our own forms too, and the check above would have nothing to compare.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }

    private static partial class Log
    {
        [LoggerMessage(5101, LogLevel.Warning, "page: wrong password from {Client}")]
        public static partial void WrongPassword(ILogger logger, IPAddress client);

        [LoggerMessage(5102, LogLevel.Warning, "page: wrong token from {Client}")]
        public static partial void WrongToken(ILogger logger, IPAddress client);

        [LoggerMessage(5104, LogLevel.Warning, "page: {Method} {Path} could not be answered: {Reason}")]
        public static partial void Unreadable(ILogger logger, string method, string path, string reason);

        [LoggerMessage(5103, LogLevel.Error, "page: a bug at {Method} {Path}")]
        public static partial void Bug(ILogger logger, Exception bug, string method, string path);
    }
}
