using System.Net;

namespace SmartHost.Tests.Dashboard;

/// <summary>The pages of devices, as they are written and as their forms are answered.</summary>
public class DevicesPageTests
{
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
}
