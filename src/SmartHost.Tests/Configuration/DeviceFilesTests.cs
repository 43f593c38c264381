using System.Net;
using CsCheck;
using SmartHost.Configuration;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Tests.Configuration;

public class DeviceFilesTests
{
    [Test]
    public void A_device_may_stand_in_a_file_of_its_own()
    {
        using var folder = new SettingsFolder();
        folder.Write("data/devices/ups.yaml", "addresses: 192.168.1.40\nrecipients: you@gmail.com\n");
        folder.Write("data/devices/.hidden.yaml", "{");
        folder.Write("data/devices/ups.yaml.tmp", "{");
        Assert.That(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner).Settings!.Devices.Devices.Select(device => device.Name), Is.EqualTo(new[] { "scanner", "ups" }));
        folder.Environment["SMARTHOST__DEVICES__UPS__PRIORITY"] = "urgent";
        Assert.That(folder.Read(SettingsFolder.Account + "devices:\n").Settings!.Devices.Devices.Single().Priority, Is.EqualTo(Lane.Urgent));
    }

    [Test]
    public void Mistakes_in_it_name_it()
    {
        using var folder = new SettingsFolder();
        folder.Write("data/devices/ups.yaml", "address: 192.168.1.40\n");
        folder.Write("data/devices/Scanner.yaml", "addresses: 10.0.0.1\nrecipients: \"*\"\n");
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner)), Is.EqualTo(new[]
        {
            "data/devices/Scanner.yaml: error: devices.Scanner is configured twice: also in smarthost.yaml:6:3. Remove one of the two, or give it another name.",
            "data/devices/ups.yaml: error: devices.ups.recipients is missing. Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\").",
            "data/devices/ups.yaml:1:1: error: devices.ups.address is not a setting. Did you mean addresses?",
        }));
        folder.Write("data/devices/ups.yaml", "devices:\n  ups:\n    addresses: 192.168.1.40\n    recipients: \"*\"\n");
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner)), Has.Some.EqualTo(
            "data/devices/ups.yaml:1:1: error: devices.ups cannot begin with devices: here, for this file holds one device. Write its settings directly, without devices: and its name, which is that of the file.")
            .And.None.Contains("devices.ups.recipients").And.None.Contains("devices.ups.devices"));
        folder.Write("data/devices/ups.yaml", "{");
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner)), Has.Some.StartsWith("data/devices/ups.yaml:1:1: error: the bracket { that opens here is not closed"));
    }

    [Test]
    public void A_hash_in_a_file_of_its_own_stays_there()
    {
        using var folder = new SettingsFolder();
        folder.Write("data/devices/shop.hash", "pbkdf2-sha256$80000$MDEyMzQ1Njc4OWFiY2RlZg==$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ=\n");
        folder.Write("data/devices/shop.yaml", "username: shop\npasswordHashFile: shop.hash\nrecipients: you@gmail.com\n");
        var shop = folder.Read(SettingsFolder.Account + SettingsFolder.Scanner).Settings!.Devices.Devices.Single(device => device.Name == "shop");
        Assert.That(DeviceFiles.Text(shop with { PerDay = 5 }), Does.Contain("passwordHashFile: \"shop.hash\"").And.Contain("perDay: 5").And.Not.Contain("pbkdf2"));
    }

    [Test]
    public void What_is_written_is_read_again()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account);
        // No sign of an address: in From that would have to be one of the account's.
        var text = Gen.String[Gen.Char['\u0020', '\ud7ff'], 1, 20].Select(s => $"x{string.Concat(s.Where(c => !char.IsControl(c) && c != '@'))}x");
        string[] known = ["*", "*@example.com", "you@gmail.com", "it's@example.com", "müller@example.com"];
        var patterns = Gen.Int[0, known.Length - 1].Select(i => known[i]).Array[1, 3];
        var device = Gen.Select(Gen.Select(text, Gen.Bool).Select((words, some) => some ? words : null), patterns, patterns, Gen.Int[1, 1000], Gen.Int[0, 2], Gen.Bool).Select((words, senders, recipients, number, lane, flag) => new Device
        {
            Name = "x-1_Y",
            Addresses = [new IPNetwork(IPAddress.Parse("192.168.1.0"), 24), new IPNetwork(IPAddress.Parse("fd00::1"), 128)],
            Username = flag ? "login \"x\"" : null,
            PasswordHash = flag ? new Secret("pbkdf2-sha256$80000$MDEyMzQ1Njc4OWFiY2RlZg==$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ=") : null,
            Senders = AddressPatterns.Parse(senders, []),
            Recipients = AddressPatterns.Parse(recipients, []),
            MaxSize = flag ? number : null,
            PerHour = flag ? null : number,
            PerDay = number,
            Account = flag ? "default" : null,
            Priority = (Lane)lane,
            RequireAuth = flag,
            RequireTls = !flag,
            From = words,
            AddTo = flag ? [Mailbox.Parse("a@b")] : [],
            SubjectPrefix = words,
            ReportTo = flag ? null : Mailbox.Parse("c@d"),
            Trace = flag,
        });
        device.Sample(written =>
        {
            Assert.That(DeviceFiles.Write(folder.DataFolder, written), Is.Null);
            var result = folder.Read();
            Assert.That(folder.Problems(result), Is.Empty, DeviceFiles.Text(written));
            var read = result.Settings!.Devices.Devices.Single();
            Assert.That(DeviceFiles.Text(read), Is.EqualTo(DeviceFiles.Text(written)));
            Assert.That((read.From, read.SubjectPrefix, read.Priority, read.Username, read.PasswordHash), Is.EqualTo((written.From, written.SubjectPrefix, written.Priority, written.Username, written.PasswordHash)));
        }, iter: 200, threads: 1);
    }

    [Test]
    public void Writing_leaves_one_file_that_only_its_owner_reads()
    {
        using var folder = new SettingsFolder();
        var device = new Device { Name = "ups", Addresses = [new IPNetwork(IPAddress.Parse("10.0.0.1"), 32)], Recipients = AddressPatterns.Any };
        Assert.That(DeviceFiles.Write(folder.DataFolder, device), Is.Null);
        Assert.That(DeviceFiles.Write(folder.DataFolder, device with { PerHour = 5 }), Is.Null);
        var file = Directory.GetFiles(Path.Combine(folder.DataFolder, "devices")).Single();
        Assert.That(Path.GetFileName(file), Is.EqualTo("ups.yaml"));
        Assert.That(File.ReadAllText(file), Is.EqualTo("# Written by SmartHost; you may edit it. The page writes anew only what it changes, without the comments in those lines.\naddresses: [\"10.0.0.1\"]\nrecipients: [\"*\"]\nperHour: 5\n"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(File.GetUnixFileMode(folder.DataFolder), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute), "a device allowed before the first start makes the folder");
        }
        Assert.That(DeviceFiles.Delete(folder.DataFolder, "ups"), Is.Null);
        Assert.That(File.Exists(file), Is.False);
        Assert.That(DeviceFiles.Delete(folder.DataFolder, "ups"), Does.StartWith("There is no file"));
    }

    [TestCase("../evil")]
    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("a b")]
    [TestCase("ünits")]
    public void A_name_that_could_be_a_path_is_no_name(string name)
    {
        using var folder = new SettingsFolder();
        var device = new Device { Name = name, Recipients = AddressPatterns.Any };
        Assert.That(DeviceFiles.Write(folder.DataFolder, device), Does.Contain("is not a name for a device"));
        Assert.That(DeviceFiles.Delete(folder.DataFolder, name), Does.Contain("is not a name for a device"));
        Assert.That(Directory.Exists(folder.DataFolder), Is.False);
    }

    [Test]
    public void A_folder_that_cannot_be_written_is_a_sentence()
    {
        using var folder = new SettingsFolder();
        folder.Write("data", "a file in the way");
        Assert.That(DeviceFiles.Write(folder.DataFolder, new Device { Name = "ups", Recipients = AddressPatterns.Any }), Does.Contain("cannot be written"));
    }
}
