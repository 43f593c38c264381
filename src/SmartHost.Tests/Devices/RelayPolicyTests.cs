using System.Net;
using System.Text;
using CsCheck;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Tests.Devices;

public class RelayPolicyTests
{
    private static readonly Device Ups = new() { Name = "ups", Recipients = Patterns("you@gmail.com", "*@example.com") };

    private static readonly RelayRequest Request = new(
        Ups, IPAddress.Parse("192.168.1.40"), Authenticated: false, Tls: false,
        new ReversePath(Mailbox.Parse("ups@home.lan")), Mailbox.Parse("you@gmail.com"), DeclaredSize: 0, AcceptedLastHour: 0, AcceptedLastDay: 0);

    [Test]
    public void The_recipient_pattern_that_allowed_is_named() =>
        Assert.That(RelayPolicy.Decide(Request with { Recipient = Mailbox.Parse("Boss@Example.COM") }),
            Is.EqualTo(new RelayVerdict("devices.ups.recipients *@example.com", null)));

    [Test]
    public void At_mail_the_sender_pattern_is_named() =>
        Assert.That(RelayPolicy.Decide(Request with { Recipient = null }), Is.EqualTo(new RelayVerdict("devices.ups.senders *", null)));

    [Test]
    public void An_unknown_device_may_say_MAIL_but_hears_at_RCPT_what_to_add()
    {
        var unknown = Request with { Device = null, Client = IPAddress.Parse("::ffff:192.168.1.77") };
        Assert.That(RelayPolicy.Decide(unknown with { Recipient = null }).Refusal, Is.Null);
        Refused(unknown, "unknownDevices refuse", "550 5.7.1 192.168.1.77 is not a known device. Allow it on the SmartHost page, "
            + "or add it under devices with addresses: [192.168.1.77] and recipients: [you@gmail.com], or give it a login");
    }

    [Test]
    public void What_an_unknown_device_hears_to_add_can_be_added()
    {
        var refusal = RelayPolicy.Decide(Request with { Device = null, Client = IPAddress.Parse("fe80::1%2") }).Refusal!.Text;
        Assert.That(refusal, Does.Contain("addresses: [fe80::1]"));
        Assert.That(ClientNetwork.TryParse("fe80::1", out _), Is.True);
    }

    [Test]
    public void A_recipient_that_is_not_listed_is_refused() =>
        Refused(Request with { Recipient = Mailbox.Parse("you@gmail.com.evil.org") }, "devices.ups.recipients",
            "550 5.7.1 Device ups may not write to you@gmail.com.evil.org. Add that address to devices.ups.recipients, or correct it in the device");

    [Test]
    public void A_sender_that_is_not_listed_is_refused_at_mail_already()
    {
        var strict = Request with { Device = Ups with { Senders = Patterns("ups@home.lan") }, Recipient = null };
        Assert.That(RelayPolicy.Decide(strict).Rule, Is.EqualTo("devices.ups.senders ups@home.lan"));
        Refused(strict with { Sender = new ReversePath(Mailbox.Parse("root@nas")) }, "devices.ups.senders",
            "550 5.7.1 Device ups may not send as root@nas. Add that address to devices.ups.senders, or set one of those listed there as the sender in the device");
    }

    [Test]
    public void The_null_reverse_path_needs_a_list_that_takes_everyone()
    {
        Assert.That(RelayPolicy.Decide(Request with { Sender = ReversePath.Null }).Refusal, Is.Null);
        Refused(Request with { Sender = ReversePath.Null, Device = Ups with { Senders = Patterns("*@home.lan") } }, "devices.ups.senders", "550 5.7.1 Device ups may not send with an empty sender");
    }

    [Test]
    public void A_message_may_be_as_large_as_the_limit_and_no_larger()
    {
        var small = Request with { Device = Ups with { MaxSize = 1000 } };
        Assert.That(RelayPolicy.Decide(small with { DeclaredSize = 1000 }).Refusal, Is.Null);
        Refused(small with { DeclaredSize = 1001 }, "devices.ups.maxSize 1000", "552 5.3.4 Message of 1001 octets is larger than the 1000 that devices.ups.maxSize allows");
    }

    [Test]
    public void Rates_say_try_later()
    {
        var limited = Request with { Device = Ups with { PerHour = 10, PerDay = 50 } };
        Assert.That(RelayPolicy.Decide(limited with { AcceptedLastHour = 9, AcceptedLastDay = 49 }).Refusal, Is.Null);
        Refused(limited with { AcceptedLastHour = 10 }, "devices.ups.perHour 10", "450 4.7.1 Device ups has sent 10 messages in the last hour; devices.ups.perHour allows 10. Try again later");
        Refused(limited with { AcceptedLastDay = 50 }, "devices.ups.perDay 50", "450 4.7.1 Device ups has sent 50 messages in the last 24 hours");
    }

    [Test]
    public void What_can_never_pass_is_refused_for_good_even_when_the_rate_is_used_up() =>
        Refused(Request with { Device = Ups with { PerHour = 1 }, AcceptedLastHour = 5, Recipient = Mailbox.Parse("x@elsewhere.org") }, "devices.ups.recipients", "550 5.7.1");

    [Test]
    public void A_device_that_must_log_in_or_encrypt_hears_so()
    {
        Refused(Request with { Device = Ups with { RequireAuth = true } }, "devices.ups.requireAuth", "530 5.7.0 Device ups must log in");
        Refused(Request with { Device = Ups with { RequireTls = true } }, "devices.ups.requireTls", "530 5.7.0 Device ups must use encryption");
        Assert.That(RelayPolicy.Decide(Request with { Device = Ups with { RequireAuth = true, RequireTls = true }, Authenticated = true, Tls = true }).Refusal, Is.Null);
    }

    [Test]
    public void Replies_stay_short_and_plain_whatever_was_asked()
    {
        var part = Gen.Char["abcäπ漢0-_"].Array[1, 60].Select(letters => new string(letters).Trim('-', '_') + "x");
        Gen.Select(part, part.Array[1, 5], Gen.Bool, Gen.Bool).Sample((local, labels, unknown, sender) =>
        {
            if (!Mailbox.TryParse($"{local}@{string.Join('.', labels)}", out var mailbox)) return;
            var device = Ups with { Name = new string('n', 64), Senders = sender ? Patterns("a@b") : AddressPatterns.Any };
            var verdict = RelayPolicy.Decide(Request with { Device = unknown ? null : device, Sender = new ReversePath(mailbox), Recipient = mailbox });
            Assert.That(verdict.Refusal, Is.Not.Null);
            var line = verdict.Refusal!.ToString();
            Assert.That(Ascii.IsValid(line) && line.Length <= 400 && !line.Any(char.IsControl), Is.True, line);
        });
    }

    private static void Refused(RelayRequest request, string rule, string reply)
    {
        var verdict = RelayPolicy.Decide(request);
        Assert.That(verdict.Refusal, Is.Not.Null);
        Assert.That(verdict.Rule, Is.EqualTo(rule));
        Assert.That(verdict.Refusal!.ToString(), Does.StartWith(reply));
    }

    private static AddressPatterns Patterns(params string[] texts)
    {
        var problems = new List<string>();
        var patterns = AddressPatterns.Parse(texts, problems);
        Assert.That(problems, Is.Empty);
        return patterns;
    }
}
