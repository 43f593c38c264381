using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;

namespace SmartHost.Tests.Dashboard;

/// <summary>The API's document is kept by hand; this keeps the hand honest.</summary>
public partial class ApiDocumentTests
{
    [Test]
    public async Task Every_route_is_in_the_document_and_every_path_of_it_is_a_route()
    {
        await using var bench = await DashboardBench.StartAsync();
        var document = Document();
        var documented =
            from path in document.GetProperty("paths").EnumerateObject()
            from method in path.Value.EnumerateObject()
            select $"{method.Name} {ApiEndpoints.Root}{path.Name}";
        Assert.That(bench.Routes.Where(route => route.Contains(ApiEndpoints.Root)), Is.EquivalentTo(documented));
    }

    [Test]
    public void Every_reference_leads_somewhere()
    {
        var schemas = Document().GetProperty("components").GetProperty("schemas").EnumerateObject().Select(schema => schema.Name).ToHashSet();
        var references = References().Matches(Asset.Read("openapi.json")).Select(match => match.Groups[1].Value).ToHashSet();
        Assert.That(references, Is.EquivalentTo(schemas));
    }

    [TestCase("Overview", typeof(OverviewReply))]
    [TestCase("Flow", typeof(Flow))]
    [TestCase("Queue", typeof(QueueReply))]
    [TestCase("Account", typeof(AccountReply))]
    [TestCase("Alerts", typeof(AlertsReply))]
    [TestCase("Alert", typeof(AlertReply))]
    [TestCase("AlertDelivery", typeof(AlertDeliveryReply))]
    [TestCase("TrafficHour", typeof(TrafficHour))]
    [TestCase("Messages", typeof(MessagesReply))]
    [TestCase("Message", typeof(MessageReply))]
    [TestCase("Recipient", typeof(RecipientReply))]
    [TestCase("TimelineEntry", typeof(TimelineReply))]
    [TestCase("Device", typeof(DeviceReply))]
    [TestCase("UnknownDevice", typeof(UnknownDeviceReply))]
    [TestCase("AllowRequest", typeof(AllowRequest))]
    [TestCase("HoldRequest", typeof(HoldRequest))]
    [TestCase("SendTestRequest", typeof(SendTestRequest))]
    [TestCase("SendTestReply", typeof(SendTestReply))]
    [TestCase("CheckLine", typeof(CheckLine))]
    [TestCase("Login", typeof(LoginReply))]
    [TestCase("Problem", typeof(ApiProblem))]
    public void A_schema_says_what_its_record_says(string schema, Type record)
    {
        var properties = Document().GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("properties");
        var type = DashboardJson.Default.GetTypeInfo(record) ?? throw new AssertionException($"{record} is not serialised");
        Assert.That(properties.EnumerateObject().Select(property => property.Name), Is.EquivalentTo(type.Properties.Select(property => property.Name)));
        foreach (var property in type.Properties.Where(property => property.PropertyType.IsEnum))
        {
            var words = properties.GetProperty(property.Name).GetProperty("enum").EnumerateArray().Select(word => word.GetString());
            Assert.That(words, Is.EquivalentTo(Enum.GetNames(property.PropertyType).Select(JsonNamingPolicy.CamelCase.ConvertName)), property.Name);
        }
    }

    [TestCase("AllowRequest", typeof(AllowRequest))]
    [TestCase("HoldRequest", typeof(HoldRequest))]
    [TestCase("SendTestRequest", typeof(SendTestRequest))]
    public void A_request_must_carry_what_the_document_says(string schema, Type record)
    {
        var document = Document().GetProperty("components").GetProperty("schemas").GetProperty(schema);
        var required = document.TryGetProperty("required", out var names) ? names.EnumerateArray().Select(name => name.GetString()!) : [];
        var type = DashboardJson.Default.GetTypeInfo(record)!;
        Assert.That(type.Properties.Where(property => property.IsRequired).Select(property => property.Name), Is.EquivalentTo(required));
        Assert.That(document.GetProperty("additionalProperties").GetBoolean(), Is.EqualTo(type.UnmappedMemberHandling != JsonUnmappedMemberHandling.Disallow));
    }

    private static JsonElement Document() => JsonDocument.Parse(Asset.Read("openapi.json")).RootElement;

    [GeneratedRegex("#/components/schemas/(\\w+)")]
    private static partial Regex References();
}
