namespace SmartHost.Dashboard.Access;

/// <summary>Who asks. Closed: exactly these.</summary>
internal abstract record Visitor
{
    private Visitor() { }

    /// <summary>A browser. Its cookie is sent along whoever caused the request, so changes need its CSRF token too.</summary>
    public sealed record Person(Session Session, string CsrfToken) : Visitor;

    /// <summary>A script that knows the token; no browser sends that by itself.</summary>
    public sealed record Script : Visitor;

    /// <summary>The command line, by the socket in the data folder.</summary>
    public sealed record CommandLine : Visitor;
}

/// <summary>Marks an endpoint that needs no sign-in.</summary>
/// <param name="When">Asked at every request, since the settings may say so while we run.</param>
internal sealed record OpenToAnyone(Func<bool> When)
{
    public static readonly OpenToAnyone Instance = new(() => true);
}

/// <summary>Marks an endpoint that answers whatever name it is asked by, for probes behind a balancer.</summary>
internal sealed record AnswersToAnyName
{
    public static readonly AnswersToAnyName Instance = new();
}
