using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>What the practice Gmail is like. The defaults are what smtp.gmail.com does for a consumer account.</summary>
public sealed record PracticeSettings
{
    /// <summary>Who may log in. The demo's own account, unless a test says otherwise.</summary>
    public IReadOnlyList<PracticeAccount> Accounts { get; init; } =
        [new(Mailbox.Parse("you@gmail.com"), new Secret("abcdefghijklmnop"))];

    /// <summary>Octets of a message: announced as SIZE, enforced at MAIL FROM and while receiving.</summary>
    public long MaxSize { get; init; } = 35_882_577;

    /// <summary>Recipients of one transaction; the next one hears 452 4.5.3.</summary>
    public int Recipients { get; init; } = 100;

    /// <summary>How much later than in a loopback each reply, and each TLS flight, reaches the client. Zero: at once.</summary>
    public TimeSpan RoundTrip { get; init; }

    /// <summary>Silence after which the connection ends with 451 4.4.2.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(5);

    public CertificateFlaw CertificateFlaw { get; init; }

    /// <summary>EHLO keywords beside STARTTLS and AUTH. Taking CHUNKING away makes BDAT unknown.</summary>
    public IReadOnlyList<string> Extensions { get; init; } =
        ["8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"];

    /// <summary>As smtp.gmail.com lists them, in its order. PLAIN-CLIENTTOKEN and XOAUTH are listed and refused.</summary>
    public IReadOnlyList<string> AuthMechanisms { get; init; } =
        ["LOGIN", "PLAIN", "XOAUTH2", "PLAIN-CLIENTTOKEN", "OAUTHBEARER", "XOAUTH"];

    /// <summary>False: smtp-relay.gmail.com, which knows its clients by address and takes mail without AUTH.</summary>
    public bool RequiresLogin { get; init; } = true;

    /// <summary>Replace a From that is neither the account nor an alias, as Gmail does (<see cref="PracticeMessage.Delivered"/>).</summary>
    public bool RewritesFrom { get; init; } = true;

    /// <summary>False: keep only size, digest and violations of a message, so that a test can measure memory.</summary>
    public bool KeepsContent { get; init; } = true;

    /// <summary>Which access tokens XOAUTH2 and OAUTHBEARER take from whom; null refuses every token.</summary>
    public Func<Mailbox, string, bool>? AcceptsToken { get; init; }

    /// <summary>0: any free port.</summary>
    public int Port { get; init; }

    /// <summary>0: any free port.</summary>
    public int ImplicitPort { get; init; }
}

/// <summary>An account at the practice Gmail.</summary>
/// <param name="AppPassword">Sixteen letters without spaces. It must arrive exactly so.</param>
public sealed record PracticeAccount(Mailbox Username, Secret AppPassword)
{
    /// <summary>Verified "Send mail as" addresses.</summary>
    public IReadOnlyList<Mailbox> Aliases { get; init; } = [];

    /// <summary>Messages in any 24 hours; null: no limit. The next one hears 550 5.4.5 in reply to DATA or BDAT.</summary>
    public int? DailyMessages { get; init; }

    /// <summary>Recipients in any 24 hours, counted per message; null: no limit.</summary>
    public int? DailyRecipients { get; init; }
}

/// <summary>What is wrong with the certificate, so that a client's checks can be seen to work.</summary>
public enum CertificateFlaw
{
    None,

    /// <summary>Made out to another host.</summary>
    WrongName,

    Expired,

    /// <summary>No authority at all.</summary>
    SelfSigned,

    /// <summary>Signed by an authority other than the one in <see cref="PracticeGmail.CaPem"/>.</summary>
    UnknownAuthority,
}
