using System.Text;
using SmartHost.Configuration;

namespace SmartHost.Tests.Configuration;

/// <summary><c>docs/configuration.md</c>: the table of settings for people.</summary>
internal static class ReferenceText
{
    private const string Introduction = """
        # Configuration

        This page is made from the program's own table of settings.

        SmartHost reads one YAML file, `smarthost.yaml`: the file named by `--config`, else by `SMARTHOST_CONFIG`, else
        `./smarthost.yaml`, `/config/smarthost.yaml` or `/etc/smarthost/smarthost.yaml`. `smarthost check` reads it without
        starting anything and shows every mistake with its line and what to write instead.

        [smarthost.minimal.yaml](../configs/smarthost.minimal.yaml) is enough for most;
        [smarthost.full.yaml](../configs/smarthost.full.yaml) shows every setting. Editors that know
        [the schema](../configs/smarthost.schema.json) complete and check the file while you write.

        ## How values are written

        - **Durations** have a unit: `90s`, `5m`, `4h`, `5d`.
        - **Sizes** are octets, or have a unit: `500K`, `25M`, `2G` (powers of 1024).
        - **Lists** are `[a, b]`, or one value alone.
        - **Patterns** of addresses are `you@example.com`, `"*@example.com"` or `"*"`. Text that begins with `*` needs quotes.
        - **Paths** start from the folder of the file they are written in; in the environment, from the current folder. `~` and variables are not read, but for `$CREDENTIALS_DIRECTORY` of systemd in the path of a secret.
        - **Names** of accounts, listeners and devices are letters, digits, `-` and `_`, at most 64, the first a letter or digit.

        ## Secrets

        Every secret can be written itself, or as a file: `appPassword`, or `appPasswordFile` with the path of a file that
        holds it and nothing else. Docker's `/run/secrets/…` and systemd's `$CREDENTIALS_DIRECTORY/…` work as paths. A secret is
        never shown in a log, on the page or in an error.

        ## Environment

        Every setting can be set by a variable: `SMARTHOST__` and its path with two underscores between the parts, letter
        case aside. `SMARTHOST__listeners__lan__port=25` is `listeners.lan.port: 25`. It wins over the file. Lists have commas,
        or one variable for each item: `SMARTHOST__devices__ups__recipients__0`. Empty variables count as not set.

        These short names make a file unnecessary:

        | Variable | Meaning |
        |---|---|
        | `GMAIL_USERNAME` | the account's address |
        | `GMAIL_APP_PASSWORD` | its app password |
        | `GMAIL_APP_PASSWORD_FILE` | or a file that holds it |
        | `SMARTHOST_DEVICES` | who may send, and to whom: `office-scanner@192.168.1.23=>you@gmail.com; 192.168.1.0/24=>a@example.com,b@example.com`; a device without a name gets one from its address |
        | `SMARTHOST_DATA` | the data folder; without it and without a file, `data` in the current folder |
        | `SMARTHOST_CONFIG` | the configuration file |

        ## Devices in files of their own

        A device may also stand in `devices/NAME.yaml` in the data folder, with the settings that would stand under
        `devices.NAME`. The page and the command line write such files, so your own file is never rewritten. You may
        edit such a file, too: an edit on the page writes anew only the settings that it changes, and keeps the rest with its comments.

        ## Changes while running

        A changed file is taken up within seconds. A file with a mistake is refused whole: the old settings stay, and the
        mistake is shown in the log and on the page. The data folder, hostname, log, listeners and
        the page's port, address and `off` change with a restart, and that is said there, too.

        """;

    public static string Text()
    {
        var text = new StringBuilder(Introduction);
        text.Append("\n## Settings\n");
        Section(text, SettingsSchema.Root, "", "At the top of the file.");
        return text.ToString();
    }

    private static void Section(StringBuilder text, SettingsSection section, string path, string doc)
    {
        text.Append('\n');
        if (path.Length > 0) text.Append($"### {path}\n\n");
        text.Append(doc).Append("\n\n| Setting | Value | Default | |\n|---|---|---|---|\n");
        foreach (var row in section.Rows)
        {
            var standard = row.IsRequired ? "**must be written**" : row.Default is { } value ? Cell(value) : "";
            text.Append($"| `{row.Name}` | {Cell(Value(row))} | {standard} | {Cell(row.Doc)} |\n");
        }
        foreach (var row in section.Rows.Where(row => row.Children is not null))
        {
            var below = (path.Length == 0 ? row.Name : $"{path}.{row.Name}") + (row.IsNamed ? ".NAME" : "");
            Section(text, row.Children!, below, row.Doc + ".");
        }
    }

    /// <summary>A choice shows its words, for “one of the possible words” helps nobody.</summary>
    private static string Value(SettingsRow row) => row.TypeName.StartsWith("one of", StringComparison.Ordinal) ? row.Expected["Write ".Length..] : row.TypeName;

    private static string Cell(string text) => text.Replace("|", "\\|").Replace("*", "\\*");
}
