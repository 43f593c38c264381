using System.Text.Json;
using SmartHost.Mail;
using SmartHost.Notices;

namespace SmartHost.Tests.Notices;

public class WebhookTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Uri Address = new("https://hooks.example.com/x");

    [TestCase("https://ntfy.sh/topic", WebhookFormat.Ntfy)]
    [TestCase("https://ntfy.example.com/topic", WebhookFormat.Ntfy)]
    [TestCase("https://hooks.slack.com/services/T/B/x", WebhookFormat.Slack)]
    [TestCase("https://discord.com/api/webhooks/1/x", WebhookFormat.Discord)]
    [TestCase("https://hooks.slack-gov.com/services/T/B/x", WebhookFormat.Slack)]
    [TestCase("https://canary.discord.com/api/webhooks/1/x", WebhookFormat.Discord)]
    [TestCase("http://homeassistant.local:8123/api/webhook/smarthost", WebhookFormat.HomeAssistant)]
    [TestCase("https://example.com/hook", WebhookFormat.Json)]
    public void The_form_is_told_by_the_address(string address, WebhookFormat format) => Assert.That(Webhook.FormatOf(new Uri(address)), Is.EqualTo(format));

    [Test]
    public async Task Ntfy_gets_plain_text_with_the_title_in_a_header_that_ASCII_can_carry()
    {
        using var request = Webhook.Request(Address, WebhookFormat.Ntfy, Announcement("Büro is late"), "nas.lan", Noon);
        Assert.That(await request.Content!.ReadAsStringAsync(), Is.EqualTo("What “happened”.\nWhat to do.\nhttps://example.com/help"));
        var title = request.Headers.GetValues("Title").Single();
        Assert.That(title, Does.StartWith("=?UTF-8?B?"));
        Assert.That(System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(title[10..^2])), Is.EqualTo("Büro is late (nas.lan)"));
        Assert.That(request.Headers.GetValues("Click").Single(), Is.EqualTo("https://example.com/help"));
    }

    [Test]
    public async Task Slack_reads_no_markup_out_of_a_subject()
    {
        var text = (await JsonAsync(WebhookFormat.Slack, Announcement("<!channel> & <http://evil|click>"))).GetProperty("text").GetString();
        Assert.That(text, Does.StartWith("*&lt;!channel&gt; &amp; &lt;http://evil|click&gt; (nas.lan)*\n"));
    }

    [Test]
    public async Task Discord_mentions_nobody_and_gets_at_most_2000_characters()
    {
        var json = await JsonAsync(WebhookFormat.Discord, Announcement("@everyone") with { Text = new string('x', 3000) });
        Assert.That(json.GetProperty("content").GetString(), Has.Length.EqualTo(2000));
        Assert.That(json.GetProperty("allowed_mentions").GetProperty("parse").GetArrayLength(), Is.Zero);
    }

    [TestCase(WebhookFormat.Mattermost, "text")]
    [TestCase(WebhookFormat.Discord, "content")]
    public async Task Where_Markdown_is_read_a_stranger_writes_no_link_no_picture_and_calls_nobody(WebhookFormat format, string field)
    {
        var stranger = "It called itself [your bank](http://evil.example/) ![x](http://evil.example/x.png) <@1> `code` **big** me_you@x.example and @all @Channel @here";
        var text = (await JsonAsync(format, Announcement("An *unknown* device") with { Text = stranger })).GetProperty(field).GetString();
        Assert.That(text, Does.StartWith(@"**An \*unknown\* device (nas.lan)**"));
        Assert.That(text, Does.Contain(@"\[your bank\](http://evil.example/) !\[x\](http").And.Contain(@"\<@1\>").And.Contain(@"\`code\` \*\*big\*\* me\_you@x.example"));
        Assert.That(text, Does.Not.Contain("@all").And.Not.Contain("@Channel").And.Not.Contain("@here"));
        Assert.That(text, Does.EndWith("\nWhat to do.\nhttps://example.com/help"), "our own link stays one");
    }

    [Test]
    public async Task A_name_and_password_in_the_address_are_sent_as_such()
    {
        using var request = Webhook.Request(new Uri("https://:tk_s3cr%40t@ntfy.example.com/topic"), WebhookFormat.Ntfy, Announcement("T"), "nas.lan", Noon);
        Assert.That(request.Headers.Authorization!.ToString(), Is.EqualTo("Basic " + Convert.ToBase64String(":tk_s3cr@t"u8)));
    }

    [Test]
    public async Task A_redirect_that_would_turn_the_message_into_a_question_is_no_delivery()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = new HttpClient();
        var webhook = new Webhook(http, TimeProvider.System);
        var moved = await webhook.PostAsync(new Secret($"{receiver.Address}moved"), WebhookFormat.Json, Announcement("T"), "nas.lan", default);
        Assert.That(moved, Is.EqualTo(new ChannelFailure("it answered with a redirect: write the address that it leads to", Final: true)));
        Assert.That(await webhook.PostAsync(new Secret($"{receiver.Address}moved-as-it-is"), WebhookFormat.Json, Announcement("T"), "nas.lan", default), Is.Null);
        Assert.That(receiver.Posts.Single(post => post.Path == "/").Body, Does.Contain("T (nas.lan)"));
    }

    [Test]
    public async Task A_redirect_to_what_is_no_web_address_is_told_and_holds_nothing_up()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        using var http = new HttpClient();
        var moved = await new Webhook(http, TimeProvider.System).PostAsync(new Secret($"{receiver.Address}moved-away"), WebhookFormat.Json, Announcement("T"), "nas.lan", default);
        Assert.That(moved, Is.EqualTo(new ChannelFailure("it answered with a redirect to what is no web address", Final: true)));
    }

    [TestCase(WebhookFormat.Json)]
    [TestCase(WebhookFormat.HomeAssistant)]
    public async Task Programs_get_every_fact(WebhookFormat format)
    {
        var json = await JsonAsync(format, Announcement("Title"));
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("kind").GetString(), Is.EqualTo("AccountPaused"));
            Assert.That(json.GetProperty("key").GetString(), Is.EqualTo("default"));
            Assert.That(json.GetProperty("title").GetString(), Is.EqualTo("Title (nas.lan)"));
            Assert.That(json.GetProperty("remedy").GetString(), Is.EqualTo("What to do."));
            Assert.That(json.GetProperty("over").GetBoolean(), Is.False);
            Assert.That(json.GetProperty("more").GetInt32(), Is.EqualTo(3));
            Assert.That(json.GetProperty("at").GetDateTimeOffset(), Is.EqualTo(Noon));
            Assert.That(json.GetProperty("message").GetString(), Does.Contain("What to do."));
        });
    }

    [Test]
    public async Task Mattermost_gets_its_text() =>
        Assert.That((await JsonAsync(WebhookFormat.Mattermost, Announcement("T"))).GetProperty("text").GetString(), Does.StartWith("**T (nas.lan)**\n"));

    private static Announcement Announcement(string title) => new(
        new Alert(AlertKind.AccountPaused, "default", title, "") { Remedy = "What to do.", Help = new Uri("https://example.com/help") }, title, "What “happened”.", Noon, 4, 3, false);

    private static async Task<JsonElement> JsonAsync(WebhookFormat format, Announcement announcement)
    {
        using var request = Webhook.Request(Address, format, announcement, "nas.lan", Noon);
        Assert.That(request.Content!.Headers.ContentType!.MediaType, Is.EqualTo("application/json"));
        return JsonDocument.Parse(await request.Content.ReadAsStringAsync()).RootElement;
    }
}
