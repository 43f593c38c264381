using System.Net;
using SmartHost.Devices;
using SmartHost.History;
using SmartHost.Hosting;

namespace SmartHost.Tests.Hosting;

/// <summary>All devices behind one address: told when it is so, and never before.</summary>
public class DockerBridgeTests
{
    private static readonly IPAddress Gateway = IPAddress.Parse("172.17.0.1"), Scanner = IPAddress.Parse("192.168.1.23");

    [Test]
    public void Three_sessions_that_all_come_from_our_gateway_are_a_sign()
    {
        var (bridge, sightings) = New(Gateway);
        sightings.Connected(Gateway);
        sightings.Connected(Gateway);
        Assert.That(bridge.Warning(), Is.Null, "it may be chance");
        // The health check from inside says nothing about the network.
        sightings.Connected(IPAddress.Loopback);
        sightings.Connected(Gateway);
        var warning = bridge.Warning()!;
        Assert.That((warning.Gateway, warning.Text), Is.EqualTo((Gateway, "Every device seems to come from 172.17.0.1, the gateway of Docker's own network, so devices cannot be told apart by address.")));
        Assert.That(warning.Remedy, Does.Contain("host's network or macvlan").And.Contain("login").And.Contain("Do not allow this address"));
    }

    [TestCase("192.168.1.23", "192.168.1.23", TestName = "One device with an address of its own is no sign")]
    [TestCase("172.17.0.1", "192.168.1.23", TestName = "Two addresses are no sign")]
    [TestCase("203.0.113.5", "203.0.113.5", TestName = "A public address is no sign")]
    public void What_is_no_sign(string one, string another)
    {
        var (bridge, sightings) = New(Gateway);
        for (var i = 0; i < 5; i++) sightings.Connected(IPAddress.Parse(i % 2 == 0 ? one : another));
        Assert.That(bridge.Warning(), Is.Null);
    }

    [Test]
    public void Outside_a_container_there_is_nothing_to_say()
    {
        var (bridge, sightings) = New(null);
        for (var i = 0; i < 5; i++) sightings.Connected(Gateway);
        Assert.That((bridge.Warning(), bridge.Doubt()), Is.EqualTo((null as SmartHost.Dashboard.BridgeWarning, null as SmartHost.Dashboard.BridgeWarning)));
    }

    [Test]
    public void Before_there_are_signs_the_gateway_is_doubted_all_the_same()
    {
        var (bridge, sightings) = New(Gateway);
        sightings.Connected(Scanner);
        Assert.That(bridge.Warning(), Is.Null);
        Assert.That(bridge.Doubt()!.Text, Does.Contain("172.17.0.1 is the gateway of its network"));
    }

    [Test]
    public void A_device_that_is_allowed_at_the_gateway_is_named()
    {
        var (bridge, sightings) = New(Gateway, new Device { Name = "scanner", Addresses = [IPNetwork.Parse("172.16.0.0/12")], Recipients = AddressPatterns.Any });
        for (var i = 0; i < 3; i++) sightings.Connected(Gateway);
        Assert.That(bridge.Warning()!.Text, Does.EndWith("The device scanner is allowed at that address, so everybody on the network may send as scanner."));
        Assert.That(bridge.Warning()!.Remedy, Does.EndWith("Then take that address from scanner."));
    }

    [TestCase("Iface\tDestination\tGateway \tFlags\neth0\t00000000\t010011AC\t0003\neth0\t000011AC\t00000000\t0001\n", "172.17.0.1")]
    [TestCase("Iface\tDestination\tGateway \tFlags\neth0\t000011AC\t00000000\t0001\n", null)]
    [TestCase("Iface\n", null)]
    [TestCase("", null)]
    public void The_gateway_is_read_from_the_kernels_routes(string routes, string? gateway)
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("route");
        File.WriteAllText(file, routes);
        Assert.That(DockerBridge.DefaultGateway(file)?.ToString(), Is.EqualTo(gateway));
        Assert.That(DockerBridge.DefaultGateway(folder.File("missing")), Is.Null);
    }

    private static (DockerBridge, Sightings) New(IPAddress? gateway, params Device[] devices)
    {
        var sightings = new Sightings();
        var directory = new DeviceDirectory(devices);
        return (new DockerBridge(sightings, () => directory, () => gateway), sightings);
    }
}
