using Microsoft.Extensions.Time.Testing;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

[CancelAfter(30_000)]
public class PracticeScriptTests
{
    [Test]
    public async Task A_rule_acts_on_its_address_and_at_its_time(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.2.1 later")) { Argument = "Busy@example.com", First = 2, Times = 2 });
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation);
        var codes = new List<string>();
        foreach (var name in new[] { "busy", "idle", "busy", "busy", "idle", "busy" })
            codes.Add((await client.SayAsync($"RCPT TO:<{name}@example.com>\r\n", cancellation)).Code);
        Assert.That(codes, Is.EqualTo(["250", "250", "450", "450", "250", "250"]));
    }

    [Test]
    public async Task A_positive_reply_is_kept(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        gmail.Script.Add(PracticeStage.Rcpt, "251 2.1.5 forwarding");
        gmail.Script.Add(PracticeStage.EndOfData, "250 2.6.0 kept");
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation);
        await client.SayAsync("RCPT TO:<me@example.com>\r\n", cancellation);
        var reply = await client.SayAsync("BDAT 2 LAST\r\n\r\n", cancellation);
        Assert.That(reply.Text, Is.EqualTo("250 2.6.0 kept\r\n"));
        Assert.That(gmail.Messages.Single().Envelope.Recipients.Single().ToString(), Is.EqualTo("me@example.com"));
    }

    [Test]
    public async Task One_command_gets_one_answer_also_when_it_is_begin_and_end_of_the_data(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        gmail.Script.Add(PracticeStage.Data, "250 2.6.0 kept");
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation);
        await client.SayAsync("RCPT TO:<me@example.com>\r\n", cancellation);
        Assert.That((await client.SayAsync("BDAT 2 LAST\r\n\r\nQUIT\r\n", cancellation)).Text, Is.EqualTo("250 2.6.0 kept\r\n"));
        Assert.That((await client.ReadAsync(cancellation)).Code, Is.EqualTo("221"));
        Assert.That(gmail.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_421_closes_and_another_refusal_does_not(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        gmail.Script.Add(PracticeStage.Noop, "451 4.4.2 no");
        gmail.Script.Add(PracticeStage.Rset, "421 4.7.0 no");
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        Assert.That(await client.SayAsync("NOOP\r\n", cancellation), Is.EqualTo(new RawReply("451 4.4.2 no\r\n", false)));
        Assert.That((await client.SayAsync("NOOP\r\n", cancellation)).Code, Is.EqualTo("250"));
        Assert.That((await client.SayAsync("RSET\r\n", cancellation)).Text, Is.EqualTo("421 4.7.0 no\r\n"));
        Assert.That(await client.ReadAsync(cancellation), Is.EqualTo(new RawReply("", true)));
    }

    [Test]
    public async Task A_delay_passes_by_the_clock_it_was_given(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { IdleTimeout = TimeSpan.FromDays(1) }, time);
        var delay = gmail.Script.Add(PracticeStage.Greeting, new Misbehaviour.Delay(TimeSpan.FromHours(1)));
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        var greeting = client.ReadAsync(cancellation);
        await delay.Reached.WaitAsync(cancellation);
        Assert.That(greeting.IsCompleted, Is.False);
        while (!greeting.IsCompleted) // the wait may begin a moment after the rule was reached
        {
            time.Advance(TimeSpan.FromHours(1));
            await Task.Yield();
        }
        Assert.That((await greeting).Code, Is.EqualTo("220"));
    }

    [Test]
    public async Task Content_can_be_cut_off_at_an_octet(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var stall = gmail.Script.Add(new PracticeRule(PracticeStage.Content, new Misbehaviour.Stall(), new Misbehaviour.Reset()) { After = 1000 });
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation);
        await client.SayAsync("RCPT TO:<me@example.com>\r\n", cancellation);
        await client.SendAsync("BDAT 2000 LAST\r\n" + new string('x', 999), cancellation);
        await gmail.WaitForCommandAsync(command => command.Text == "BDAT 2000 LAST", cancellation);
        Assert.That(stall.Reached.IsCompleted, Is.False);
        await client.SendAsync("x", cancellation);
        await stall.Reached.WaitAsync(cancellation);
        stall.Release();
        Assert.That(await client.ReadAsync(cancellation), Is.EqualTo(new RawReply("", true)));
        Assert.That(gmail.Messages, Is.Empty);
    }

    [Test]
    public async Task Cleared_means_good_behaviour_and_the_end_of_stalls(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var stall = gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall()) { Times = int.MaxValue });
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        await stall.Reached.WaitAsync(cancellation);
        gmail.Script.Clear();
        Assert.That((await client.ReadAsync(cancellation)).Code, Is.EqualTo("220"));
        await using var next = await RawClient.ConnectAsync(gmail.Port, cancellation);
        Assert.That((await next.ReadAsync(cancellation)).Code, Is.EqualTo("220"));
        Assert.That(stall.Played, Is.EqualTo(1));
    }
}
