using System.Net;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Tests.Dashboard;

/// <summary>The pages of devices, as they are written and as their forms are answered.</summary>
public class DevicesPageTests
{
    [Test]
    public async Task A_device_is_shown_with_all_that_it_is_known_by()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("both", "192.168.1.50/32", like: Login("front"));
        bench.Devices.Add(new(Login("panel"), true, null, null, null));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/devices"), Does.Contain(">192.168.1.50, login front<").And.Contain(">login panel<"));
    }

    [Test]
    public async Task Who_knows_a_login_is_to_be_corrected_and_not_allowed_anew()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Devices.Add(new(Login("panel"), true, null, null, null));
        bench.Unknown.Remember(new UnknownAttempt(IPAddress.Parse("127.0.0.55"), "KM-C258", "Panel", ReversePath.Null, null, bench.Time.GetUtcNow()));
        bench.Knock("192.168.1.77");
        using var script = bench.Script();
        var rows = (await script.GetStringAsync("/devices")).Split("<li class=\"device\">");
        const string told = "It tried to log in as panel with a wrong password. If it is your device panel, correct the password in it";
        Assert.That(rows.Single(row => row.Contains("127.0.0.55")), Does.Contain(told).And.Not.Contain("Wrote as"));
        Assert.That(rows.Single(row => row.Contains("192.168.1.77")), Does.Not.Contain("wrong password"));
    }

    [TestCase("priority", "weird", "Priority: “weird” is none. Choose urgent, normal or bulk.")]
    [TestCase("priority", "1", "Priority: “1” is none. Choose urgent, normal or bulk.")]
    [TestCase("name", "both", "There is a device named both already. Choose another name, or edit that device.")]
    public async Task What_the_API_refuses_the_form_refuses(string field, string value, string sentence)
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("both", "192.168.1.50/32");
        var (client, csrf) = await bench.SignInAsync();
        using (client)
        {
            var fields = new Dictionary<string, string> { ["csrf"] = csrf, ["name"] = "new", ["addresses"] = "192.168.1.9", ["recipients"] = "*", [field] = value };
            using var answer = await client.PostAsync("/devices", new FormUrlEncodedContent(fields));
            Assert.That((answer.StatusCode, bench.Allowed.Count), Is.EqualTo((HttpStatusCode.BadRequest, 0)));
            Assert.That(WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), Does.Contain(sentence));
        }
    }

    /// <summary>A whole address book, pasted.</summary>
    [TestCase(100_000)]
    [TestCase(3_000_000)]
    public async Task A_form_that_is_far_too_long_is_answered_with_a_sentence(int length)
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, csrf) = await bench.SignInAsync();
        using (client)
        {
            using var answer = await client.PostAsync("/devices", DashboardBench.Form(("csrf", csrf), ("name", "new"), ("addresses", "192.168.1.9"), ("recipients", new string('x', length))));
            Assert.That((answer.StatusCode, bench.Allowed.Count), Is.EqualTo((HttpStatusCode.RequestEntityTooLarge, 0)));
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("That is more than the 64 KB that SmartHost reads at once").And.Contain("</html>"));
        }
    }

    private static Device Login(string username) => new() { Name = username, Recipients = AddressPatterns.Any, Username = username, PasswordHash = new Secret("hash") };
}
