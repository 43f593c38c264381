using SmartHost.Configuration;
using SmartHost.Gmail;
using SmartHost.Mail;

namespace SmartHost.Tests.Configuration;

public class SecretFileTests
{
    private const string Content = "abcdefghijklmnop";

    [TestCase("abcd efgh ijkl mnop\n")]
    [TestCase("\ufeffabcdefghijklmnop\r\n")]
    [TestCase("abcd\u00a0efgh\u00a0ijkl\u00a0mnop")]
    public void Line_ends_and_marks_of_editors_are_no_part_of_it(string content)
    {
        using var folder = new SettingsFolder();
        folder.Write("secret", content);
        var result = folder.Read(Yaml("secret"));
        Assert.That(folder.Problems(result), Is.Empty);
        Assert.That(result.Settings!.Accounts[0].Credentials, Is.EqualTo(new AccountCredentials.AppPassword(new Secret(Content))));
        Assert.That(result.Files, Has.Member(Path.Combine(folder.Path, "secret")));
    }

    [Test]
    public void A_file_that_gives_no_secret_is_named_with_its_remedy_and_never_with_its_content()
    {
        using var folder = new SettingsFolder();
        folder.Write("empty", "\n");
        folder.Write("lines", "hunter2secret\nhunter3secret\n");
        Directory.CreateDirectory(Path.Combine(folder.Path, "folder"));
        string Told(string file) => folder.Problems(folder.Read(Yaml(file))).Single().Replace(folder.Path + "/", "");
        const string Start = "smarthost.yaml:4:22: error: accounts.default.appPasswordFile names ";
        Assert.That(Told("empty"), Is.EqualTo(Start + "empty, which is empty. Write the secret into it, as its only line."));
        Assert.That(Told("lines"), Is.EqualTo(Start + "lines, which has several lines. Leave the secret alone in it, as its only line."));
        Assert.That(Told("folder"), Does.StartWith(Start + "folder, which is a folder, not a file."));
    }

    [TestCase("abcd efgh ijkl mnop")]
    [TestCase("https://hooks.example.com/services/hunter2")]
    [TestCase("missing/hunter2")]
    [TestCase("/hunter2+Q3cK0Jx1yR5mB8n/aZ4e7w==")]
    public void What_is_no_file_may_be_the_secret_itself_and_is_not_told(string written)
    {
        using var folder = new SettingsFolder();
        Assert.That(folder.Problems(folder.Read(Yaml($"'{written}'"))).Single(), Is.EqualTo(
            $"smarthost.yaml:4:22: error: accounts.default.appPasswordFile names a file that does not exist, and the nearest folder that does is {(written.StartsWith('/') ? "/" : folder.Path)}. Create it, or correct the path; in a container the file must be mounted there. If it is the secret itself that stands here, write it as accounts.default.appPassword."));
    }

    [TestCase("/run/secrets/gmail", "/run/secrets/gmail")]
    [TestCase("./gmail", "gmail")]
    [TestCase("$CREDENTIALS_DIRECTORY/gmail", "credentials/gmail")]
    public void A_path_that_can_be_no_secret_is_named(string written, string named)
    {
        using var folder = new SettingsFolder();
        folder.Environment["CREDENTIALS_DIRECTORY"] = Path.Combine(folder.Path, "credentials");
        Assert.That(folder.Problems(folder.Read(Yaml(written))).Single(), Does.StartWith(
            $"smarthost.yaml:4:22: error: accounts.default.appPasswordFile names {named}, which does not exist; the nearest folder that does is ").And.EndWith(". Create it, or correct the path; in a container the file must be mounted there."));
    }

    [Test]
    public void A_home_that_is_not_expanded_is_told_without_the_path()
    {
        using var folder = new SettingsFolder();
        Assert.That(folder.Problems(folder.Read(Yaml("~/hunter2"))).Single(), Is.EqualTo("smarthost.yaml:4:22: error: accounts.default.appPasswordFile is not a path. Write the whole path: ~ is not read."));
        Assert.That(folder.Problems(folder.Read(Yaml("$HOME/hunter2"))).Single(), Is.EqualTo("smarthost.yaml:4:22: error: accounts.default.appPasswordFile is not a path. Write the whole path: variables such as $HOME are not read."));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "Windows has no file modes")]
    public void A_file_that_everyone_can_read_is_a_warning()
    {
        using var folder = new SettingsFolder();
        folder.Publish(folder.Write("secret", Content));
        var result = folder.Read(Yaml("secret"));
        Assert.That(result.Settings, Is.Not.Null);
        Assert.That(folder.Problems(result).Single(), Is.EqualTo("smarthost.yaml:4:22: warning: accounts.default.appPasswordFile names secret, which everyone on this machine can read. Let it belong to the user that runs SmartHost (chown USER secret), then run: chmod 600 secret."));

        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner + "dashboard: { password: geheimnis }\n");
        folder.Publish(folder.ConfigFile);
        Assert.That(folder.Problems(folder.Read()).Single(), Is.EqualTo(
            "smarthost.yaml:4:18: warning: accounts.default.appPassword is written in a file that everyone on this machine can read. Let it belong to the user that runs SmartHost (chown USER smarthost.yaml), then run: chmod 600 smarthost.yaml; or move the secret to a file of its own and name it in appPasswordFile."), "once a file");
    }

    [TestCase("$CREDENTIALS_DIRECTORY/gmail")]
    [TestCase("${CREDENTIALS_DIRECTORY}/gmail")]
    public void The_folder_of_systemd_is_known_by_its_variable(string path)
    {
        using var folder = new SettingsFolder();
        folder.Write("credentials/gmail", Content);
        Assert.That(folder.Read(Yaml(path)).Problems.Single().What, Is.EqualTo("names a file below $CREDENTIALS_DIRECTORY, which is not set"));
        folder.Environment["CREDENTIALS_DIRECTORY"] = Path.Combine(folder.Path, "credentials");
        Assert.That(folder.Read(Yaml(path)).Problems, Is.Empty);
    }

    [Test]
    public void A_service_account_is_a_JSON_key()
    {
        using var folder = new SettingsFolder();
        const string Yaml = "accounts:\n  default:\n    username: you@example.com\n    serviceAccountFile: key.json\n" + SettingsFolder.Scanner;
        folder.Write("key.json", "{ \"private_key\": \"hunter2secret\" }");
        Assert.That(folder.Problems(folder.Read(Yaml)).Single(), Does.StartWith("smarthost.yaml:4:5: error: accounts.default.serviceAccount is not the JSON key of a service account.").And.Not.Contain("hunter2"));
        folder.Write("key.json", "{\n \"client_email\": \"a@b\",\n \"private_key\": \"k\"\n}\n");
        Assert.That(folder.Read(Yaml).Settings!.Accounts[0].Credentials, Is.InstanceOf<AccountCredentials.ServiceAccount>());
    }

    [Test]
    public void Certificates_are_looked_at()
    {
        using var folder = new SettingsFolder();
        folder.Write("none.pem", "hello\n");
        var result = folder.Read(SettingsFolder.Account + "    caFile: none.pem\n" + SettingsFolder.Scanner
            + "listeners:\n  a: { port: 1, certificateFile: gone.pem }\n  b: { port: 2, keyFile: key.pem }\n  c: { port: 3, tls: off, legacyTls: true }\n");
        Assert.That(folder.Problems(result), Is.EqualTo(new[]
        {
            "smarthost.yaml:5:5: error: accounts.default.caFile names none.pem, which holds no certificate. Name a PEM file: it has a line -----BEGIN CERTIFICATE-----.",
            "smarthost.yaml:11:17: error: listeners.a.certificateFile names gone.pem, which does not exist. Create it, or correct the path; in a container the file must be mounted there.",
            "smarthost.yaml:12:17: error: listeners.b.keyFile is given without certificateFile. Name the certificate that belongs to the key, or remove the line.",
            "smarthost.yaml:13:27: warning: listeners.c.legacyTls has no effect, since tls is off. Write tls: optional, or remove the line.",
        }));
    }

    private static string Yaml(string secret) => $"accounts:\n  default:\n    username: you@gmail.com\n    appPasswordFile: {secret}\n" + SettingsFolder.Scanner;
}
