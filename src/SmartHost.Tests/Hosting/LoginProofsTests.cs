using SmartHost.Delivery;
using SmartHost.Hosting;
using SmartHost.Tests.Gmail;

namespace SmartHost.Tests.Hosting;

public class LoginProofsTests
{
    /// <summary>It may be paused, and whoever restarts what is unhealthy would log in with a wrong password at each start.</summary>
    [Test]
    public async Task Before_delivery_has_looked_at_an_account_nobody_logs_in_with_it()
    {
        // Whoever tried would be refused here, and say when that was.
        using var proofs = new LoginProofs(Given.Connector([]), () => [Given.Account()], () => new DeliveryState([]), _ => Assert.Fail("it was tried"), TimeProvider.System);
        var reply = (await proofs.AskAsync(CancellationToken.None)).Single();
        Assert.That((reply.CanLogIn, reply.At), Is.EqualTo((false, (DateTimeOffset?)null)));
        Assert.That(reply.Text, Does.StartWith("SmartHost is starting"));
    }
}
