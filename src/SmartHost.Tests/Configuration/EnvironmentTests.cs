using SmartHost.Configuration;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Mail;

namespace SmartHost.Tests.Configuration;

public class EnvironmentTests
{
    [Test]
    public void The_smallest_set_up_needs_no_file()
    {
        using var folder = new SettingsFolder();
        var password = folder.Write("password", "abcd efgh ijkl mnop\n");
        var settings = Read(folder, ("GMAIL_USERNAME", "you@gmail.com"), ("GMAIL_APP_PASSWORD_FILE", password),
            ("SMARTHOST_DEVICES", "192.168.1.23=>you@gmail.com; 192.168.1.0/24 => a@example.com, b@example.com;\nfd00::1,fd00::2=>*\n")).Settings!;
        Assert.That(settings.Accounts.Single().Credentials, Is.EqualTo(new AccountCredentials.AppPassword(new Secret("abcdefghijklmnop"))));
        Assert.That(settings.Devices.Devices.Select(device => (device.Name, string.Join(' ', device.Addresses.Select(ClientNetwork.ToText)), device.Recipients.ToString())), Is.EqualTo(new[]
        {
            ("device-192-168-1-23", "192.168.1.23", "you@gmail.com"),
            ("device-192-168-1-0-24", "192.168.1.0/24", "a@example.com, b@example.com"),
            ("device-fd00--1", "fd00::1 fd00::2", "*"),
        }));
    }

    [Test]
    public void A_device_may_be_given_its_name()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        var settings = Read(folder, ("SMARTHOST_DEVICES", "office-scanner@192.168.1.24,192.168.1.25=>you@gmail.com; Scanner @ 192.168.1.26 => a@example.com; fd00::1=>b@example.com")).Settings!;
        Assert.That(settings.Devices.Devices.Select(device => (device.Name, string.Join(' ', device.Addresses.Select(ClientNetwork.ToText)), device.Recipients.ToString())), Is.EquivalentTo(new[]
        {
            ("office-scanner", "192.168.1.24 192.168.1.25", "you@gmail.com"),
            ("scanner", "192.168.1.26", "a@example.com"),
            ("device-fd00--1", "fd00::1", "b@example.com"),
        }));
        var result = Read(folder, ("SMARTHOST_DEVICES", "ups@192.168.1.24=>a@x; ups@192.168.1.25=>b@x; the ups@192.168.1.26=>c@x; ups2@=>d@x"));
        Assert.That(folder.Problems(result), Is.EqualTo(new[]
        {
            "environment variable SMARTHOST_DEVICES: error: “ups@192.168.1.25=>b@x” has a name that another device here has. Give each device a name of its own.",
            "environment variable SMARTHOST_DEVICES: error: “the ups” is not a name for a device. Use 1 to 64 letters, digits, - and _, beginning with a letter or digit, such as office-scanner; or leave it out, and the @.",
            "environment variable SMARTHOST_DEVICES: error: “ups2@=>d@x” is not a device. Write name@address=>recipient, such as office-scanner@192.168.1.23=>you@gmail.com, and a semicolon between two devices.",
        }));
    }

    [TestCase("SMARTHOST__accounts__default__dailyRecipients")]
    [TestCase("SMARTHOST__ACCOUNTS__DEFAULT__DAILYRECIPIENTS")]
    [TestCase("smarthost__accounts__Default__daily_recipients")]
    public void Any_setting_can_be_set_in_any_letter_case_and_wins_over_the_file(string variable)
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + "    dailyRecipients: 7\n" + SettingsFolder.Scanner);
        var account = Read(folder, (variable, "42")).Settings!.Accounts.Single();
        Assert.That((account.Name, account.DailyRecipients, account.Username.ToString()), Is.EqualTo(("default", 42, "you@gmail.com")));
    }

    [Test]
    public void Lists_are_items_or_commas_and_replace_the_list_of_the_file()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        var environment = new[] { ("SMARTHOST__devices__scanner__recipients__1", "b@x"), ("SMARTHOST__devices__scanner__recipients__0", "a@x"), ("SMARTHOST__devices__scanner__addresses", "10.0.0.1, 10.0.0.2") };
        var device = Read(folder, environment).Settings!.Devices.Devices.Single();
        Assert.That(device.Recipients.Patterns, Is.EqualTo(new[] { "a@x", "b@x" }));
        Assert.That(device.Addresses.Select(ClientNetwork.ToText), Is.EqualTo(new[] { "10.0.0.1", "10.0.0.2" }));
    }

    [Test]
    public void A_name_with_a_hyphen_is_found_by_its_underscore()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner.Replace("scanner", "office-scanner"));
        var device = Read(folder, ("SMARTHOST__DEVICES__OFFICE_SCANNER__PERHOUR", "5")).Settings!.Devices.Devices.Single();
        Assert.That((device.Name, device.PerHour), Is.EqualTo(("office-scanner", 5)));
    }

    [Test]
    public void Secrets_have_their_file_twin_in_the_environment_too()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        var settings = Read(folder, ("SMARTHOST__DASHBOARD__PASSWORD_FILE", folder.Write("p", "one\n")), ("SMARTHOST__dashboard__tokenFile", folder.Write("t", "two"))).Settings!;
        Assert.That((settings.Dashboard.Password, settings.Dashboard.Token), Is.EqualTo((new Secret("one"), new Secret("two"))));
    }

    [Test]
    public void The_short_names_concern_the_only_account_of_the_file()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", "accounts: { home: { username: you@gmail.com } }\n" + SettingsFolder.Scanner);
        var account = Read(folder, ("GMAIL_APP_PASSWORD", "abcdefghijklmnop")).Settings!.Accounts.Single();
        Assert.That(account.Name, Is.EqualTo("home"));
    }

    [Test]
    public void An_empty_variable_counts_as_not_set()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        Assert.That(Read(folder, ("GMAIL_APP_PASSWORD_FILE", ""), ("SMARTHOST__log__level", "")).Problems, Is.Empty);
    }

    [Test]
    public void Mistakes_name_the_variable()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        var result = Read(folder,
            ("SMARTHOST__accounts__default__appPasswordFile", "/nowhere"),
            ("SMARTHOST__devices__scanner__perHuor", "5"),
            ("SMARTHOST__dashboard__port", "many"),
            ("SMARTHOST__log____level", "debug"),
            ("SMARTHOST__LOG__FORMAT", "json"), ("SMARTHOST__log__format", "text"),
            ("SMARTHOST_DEVICES", "192.168.1.9 you@gmail.com; 192.168.1=>a@x"),
            ("SMARTHOST_listeners__lan__port", "25"), ("SMARTHOST_DEVICE", "x"), ("SMARTHOST_PORT", "tcp://10.0.0.1"));
        Assert.That(folder.Problems(result), Is.EquivalentTo(new[]
        {
            "environment variable SMARTHOST_listeners__lan__port: warning: this variable means nothing to SmartHost. Did you mean SMARTHOST__listeners__lan__port?",
            "environment variable SMARTHOST_DEVICE: warning: this variable means nothing to SmartHost. Did you mean SMARTHOST_DEVICES?",
            "environment variable SMARTHOST_DEVICES: error: “192.168.1.9 you@gmail.com” is not a device. Write name@address=>recipient, such as office-scanner@192.168.1.23=>you@gmail.com, and a semicolon between two devices.",
            "environment variable SMARTHOST__log____level: error: this variable's name has an empty part. Write SMARTHOST__accounts__default__username, two underscores between the parts.",
            "environment variable SMARTHOST__log__format: error: log.format is set twice: also by environment variable SMARTHOST__LOG__FORMAT. Remove one of the two.",
            "environment variable SMARTHOST__accounts__default__appPasswordFile: error: accounts.default.appPasswordFile is given, and so is appPassword (smarthost.yaml:4:5). Keep one of appPasswordFile and appPassword.",
            "environment variable SMARTHOST__devices__scanner__perHuor: error: devices.scanner.perHuor is not a setting. Did you mean perHour?",
            "environment variable SMARTHOST_DEVICES: error: devices.device-192-168-1.addresses has “192.168.1”, which is not an address or network. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "environment variable SMARTHOST__dashboard__port: error: dashboard.port is “many”, which is not a port. Write a number from 1 to 65535, such as 2525.",
        }));
    }

    [Test]
    public void A_password_without_its_account_says_what_else_to_set()
    {
        using var folder = new SettingsFolder();
        var result = Read(folder, ("GMAIL_APP_PASSWORD", "abcdefghijklmnop"), ("SMARTHOST_DEVICES", "10.0.0.1=>*"));
        Assert.That(folder.Problems(result), Is.EqualTo(new[] { "environment variable GMAIL_APP_PASSWORD: error: accounts.default.username is missing. Write a plain address, such as you@gmail.com, as GMAIL_USERNAME." }));
    }

    private static SettingsResult Read(SettingsFolder folder, params (string Name, string Value)[] environment) =>
        SettingsReader.Read(null, environment.Append(("SMARTHOST_CONFIG", folder.ConfigFile)).Append(("SMARTHOST_DATA", folder.DataFolder)).ToDictionary());
}
