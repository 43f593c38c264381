using SmartHost.Configuration;

namespace SmartHost.Tests.Configuration;

/// <summary>What people write by mistake, and every word they hear about it.</summary>
public class SettingsMistakesTests
{
    private const string Account = SettingsFolder.Account, Scanner = SettingsFolder.Scanner;

    private const string Hash = "pbkdf2-sha256$80000$MDEyMzQ1Njc4OWFiY2RlZg==$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ=";

    private static IEnumerable<TestCaseData> Mistakes()
    {
        yield return Case("tab", Account + "devices:\n\tscanner:\n\t  addresses: 192.168.1.23\n\t  recipients: you@gmail.com\n",
            "smarthost.yaml:6:1: error: a tab indents this line, which YAML does not allow. Indent with blanks, two for each level.",
            "smarthost.yaml:7:1: error: a tab indents this line, which YAML does not allow. Indent with blanks, two for each level.",
            "smarthost.yaml:8:1: error: a tab indents this line, which YAML does not allow. Indent with blanks, two for each level.");
        yield return Case("a tab alone is told, not what follows from it", Account + "devices:\n  scanner:\n    addresses: 192.168.1.23\n\trecipients: you@gmail.com\n",
            "smarthost.yaml:8:1: error: a tab indents this line, which YAML does not allow. Indent with blanks, two for each level.");
        yield return Case("unknown keys with near names", Account + """
            devices:
              scanner:
                address: 192.168.1.23
                recipient: you@gmail.com
                max-size: 25M
                pasword: x
                usernam: x

            """,
            "smarthost.yaml:7:5: error: devices.scanner.address is not a setting. Did you mean addresses?",
            "smarthost.yaml:8:5: error: devices.scanner.recipient is not a setting. Did you mean recipients?",
            "smarthost.yaml:9:5: error: devices.scanner.max-size is not a setting. Did you mean maxSize?",
            "smarthost.yaml:10:5: error: devices.scanner.pasword is not a setting. Did you mean passwordHash?",
            "smarthost.yaml:11:5: error: devices.scanner.usernam is not a setting. Did you mean username?");
        yield return Case("a setting in the wrong group", Account + Scanner + "perHour: 5\nlistener: {}\nzzz: 1\n",
            "smarthost.yaml:9:1: error: perHour is not a setting. Write it where it belongs: devices.NAME.perHour.",
            "smarthost.yaml:10:1: error: listener is not a setting. Did you mean listeners?",
            "smarthost.yaml:11:1: error: zzz is not a setting. Remove it, or write one of: accounts, listeners, devices, unknownDevices, data, hostname, dashboard, alerts, limits, delivery, history, queue, log, trace.");
        yield return Case("duplicate keys", Account + Scanner + "hostname: a\nhostname: b\nDevices: {}\n",
            "smarthost.yaml:10:1: error: hostname is written twice: the first is in line 9. Keep one of the two, with all that belongs to it below.",
            "smarthost.yaml:11:1: error: Devices is written twice: the first is in line 5. Keep one of the two, with all that belongs to it below.");
        yield return Case("wrong types", Account + """
            listeners:
              lan: { port: many, tls: maybe, authInClear: sometimes, address: 300.1.1.1 }
              other: 25
            devices: [scanner]
            limits: { maxSize: large, commandTimeout: 5, errors: 0, connections: [1] }
            delivery: { pace: 1.5, lifetime: 500d, retryLongest: 100000000000000000000d }
            dashboard: 8025
            trace: { a: b }
            hostname: [x]

            """,
            "smarthost.yaml:6:16: error: listeners.lan.port is “many”, which is not a port. Write a number from 1 to 65535, such as 2525.",
            "smarthost.yaml:6:27: error: listeners.lan.tls is “maybe”, which is not one of the possible words. Write off, optional, required or implicit.",
            "smarthost.yaml:6:47: error: listeners.lan.authInClear is “sometimes”, which is not true or false. Write true or false.",
            "smarthost.yaml:6:67: error: listeners.lan.address is “300.1.1.1”, which is not an address of this machine. Write an IP address, \"*\" for all of them, or localhost.",
            "smarthost.yaml:7:10: error: listeners.other must be a group with the settings of this listener. Write its settings below it, indented: port, address, tls, ….",
            "smarthost.yaml:8:10: error: devices must be a group with a name for each device. Write a name for each device below it, indented, and its settings below that.",
            "smarthost.yaml:9:20: error: limits.maxSize is “large”, which is not a size. Write a number of octets, or a number with K, M or G, such as 25M.",
            "smarthost.yaml:9:43: error: limits.commandTimeout is “5”, which is not a duration. Write a number with a unit: 90s, 5m, 4h or 5d, at least 1s.",
            "smarthost.yaml:9:54: error: limits.errors is “0”, which is not a whole number from 1 to 10000. Write a whole number from 1 to 10000.",
            "smarthost.yaml:9:70: error: limits.connections must be a whole number from 1 to 10000, not a list. Write a whole number from 1 to 10000.",
            "smarthost.yaml:10:19: error: delivery.pace is “1.5”, which is not a duration. Write a number with a unit: 90s, 5m, 4h or 5d, or 0 for none.",
            "smarthost.yaml:10:34: error: delivery.lifetime is “500d”, which is not a duration. Write a number with a unit: 90s, 5m, 4h or 5d, at least 1s.",
            "smarthost.yaml:10:54: error: delivery.retryLongest is “100000000000000000000d”, which is not a duration. Write a number with a unit: 90s, 5m, 4h or 5d, at least 1s.",
            "smarthost.yaml:11:12: error: dashboard must be a group of settings. Write its settings below it, indented: port, address, password, passwordFile, ….",
            "smarthost.yaml:12:8: error: trace must be a list of plain texts. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "smarthost.yaml:13:11: error: hostname must be a host name, not a list. Write a name for this machine, such as nas.lan.");
        yield return Case("missing values", "accounts:\n  default:\n    username:\n    appPassword:\ndevices:\n  scanner:\n",
            "smarthost.yaml:3:5: error: accounts.default.username has no value. Write a plain address, such as you@gmail.com, or remove the line.",
            "smarthost.yaml:4:5: error: accounts.default.appPassword has no value. Write it in quotes, or put it into a file and name that in appPasswordFile, or remove the line.",
            "smarthost.yaml:6:3: error: devices.scanner.recipients is missing. Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\").",
            "smarthost.yaml:6:3: error: devices.scanner has neither addresses nor a username, so it can never be recognised. Write addresses: [192.168.1.23], or username and passwordHash.");
        yield return Case("bad networks and patterns", Account + """
            devices:
              scanner:
                addresses: [192.168.1, 192.168.1.0/40, scanner.lan, ~]
                recipients: ["example.com", "*@"]
                senders: []

            """,
            "smarthost.yaml:7:17: error: devices.scanner.addresses has “192.168.1”, which is not an address or network. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "smarthost.yaml:7:28: error: devices.scanner.addresses has “192.168.1.0/40”, which is not an address or network. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "smarthost.yaml:7:44: error: devices.scanner.addresses has “scanner.lan”, which is not an address or network. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "smarthost.yaml:7:57: error: devices.scanner.addresses has an item without a value. Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24.",
            "smarthost.yaml:8:18: error: devices.scanner.recipients has “example.com”, which is not an address pattern. Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\").",
            "smarthost.yaml:8:33: error: devices.scanner.recipients has “*@”, which is not an address pattern. Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\").",
            "smarthost.yaml:9:14: error: devices.scanner.senders is an empty list. Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\"), or remove the line.");
        yield return Case("two devices at one address, or with one login", Account + $$"""
            devices:
              a: { addresses: [192.168.1.0/255.255.255.0], recipients: "*", username: Shop, passwordHash: "{{Hash}}" }
              b: { addresses: [192.168.1.0/24], recipients: "*", username: shop, passwordHash: "{{Hash}}" }

            """,
            "smarthost.yaml:7:8: error: devices.b.addresses has 192.168.1.0/24, which devices.a (smarthost.yaml:6:8) has too. Remove it from one of the two.",
            "smarthost.yaml:7:54: error: devices.b.username is “shop”, which devices.a (smarthost.yaml:6:65) has too. Give each device a name of its own.");
        yield return Case("logins by halves", Account + """
            devices:
              a: { username: a, recipients: "*" }
              b: { addresses: 10.0.0.1, passwordHash: "hunter2secret", recipients: "*" }
              c: { addresses: 10.0.0.2, requireAuth: true, recipients: "*" }
              smarthost: { addresses: 10.0.0.3, recipients: "*" }
              d e: { addresses: 10.0.0.4, recipients: "*" }
              -e: { addresses: 10.0.0.5, recipients: "*" }

            """,
            "smarthost.yaml:6:8: error: devices.a.username is given without passwordHash. Run smarthost hash-password and write what it prints, in quotes, as passwordHash.",
            "smarthost.yaml:7:29: error: devices.b.passwordHash is given without username. Write the name that the device logs in with as username.",
            "smarthost.yaml:7:29: error: devices.b.passwordHash is not a hash made by smarthost hash-password. Run smarthost hash-password and write what it prints, in quotes; in a compose file double every $.",
            "smarthost.yaml:8:29: error: devices.c.requireAuth asks for a login, but the device has no username. Write username and passwordHash, or remove requireAuth.",
            "smarthost.yaml:9:3: error: devices.smarthost has the name that SmartHost's own mail goes by. Give the device another name.",
            "smarthost.yaml:10:3: error: devices.d e is not a name for a device. Use 1 to 64 letters, digits, - and _, beginning with a letter or digit, such as office-scanner.",
            "smarthost.yaml:11:3: error: devices.-e is not a name for a device. Use 1 to 64 letters, digits, - and _, beginning with a letter or digit, such as office-scanner.");
        yield return Case("accounts that do not exist", Account + Scanner + "    account: defualt\n".Insert(0, "  ups:\n    addresses: 10.0.0.1\n    recipients: \"*\"\n"),
            "smarthost.yaml:12:5: error: devices.ups.account is “defualt”, and there is no such account. Did you mean default?");
        yield return Case("no account at all", Scanner,
            "smarthost.yaml: error: accounts is missing: there is no Gmail account to send by. Write accounts: { default: { username: you@gmail.com, appPasswordFile: … } }, or set GMAIL_USERNAME and GMAIL_APP_PASSWORD_FILE.");
        yield return Case("no device", Account + "devices:\n",
            "smarthost.yaml:5:1: warning: devices names none, so nobody can send yet. Let your device send once and allow it on the page, or add it under devices, or set SMARTHOST_DEVICES.");
        yield return Case("no credentials, too many credentials", """
            accounts:
              a: { username: a@gmail.com }
              b: { username: b@gmail.com, appPassword: "abcd efgh ijkl mnop", oauth: { clientId: x } }
              c: { username: c@gmail.com, appPassword: abcdefghijklmnop, fallback: c }
              relay: { username: d@example.com, host: smtp-relay.gmail.com }

            """ + Scanner,
            "smarthost.yaml:2:3: error: accounts.a has no login: no appPassword or appPasswordFile, and neither oauth nor serviceAccountFile. Make an app password at https://myaccount.google.com/apppasswords, put it into a file and write appPasswordFile: PATH; or set GMAIL_APP_PASSWORD_FILE. “Gmail” in the documentation has oauth and serviceAccountFile.",
            "smarthost.yaml:3:67: error: accounts.b has appPassword and oauth (smarthost.yaml:3:31 and smarthost.yaml:3:67). Keep one of them.",
            "smarthost.yaml:3:67: error: accounts.b.oauth has no clientSecret or clientSecretFile. Copy the client secret from Google Cloud's console (Clients) into a file and write clientSecretFile: PATH.",
            "smarthost.yaml:4:62: error: accounts.c.fallback is the account itself. Name another account, or remove the line.");
        yield return Case("the account's own password", """
            accounts:
              default: { username: you@gmail.com, appPassword: hunter2secret }

            """ + Scanner,
            "smarthost.yaml:2:39: warning: accounts.default.appPassword has 13 characters, not all of them letters; Google's app passwords have 16 letters. The account's own password does not work here: make an app password at https://myaccount.google.com/apppasswords.");
        yield return Case("an empty password, and ports that are none", """
            accounts:
              default: { username: you@gmail.com, appPassword: "", port: 0 }
            listeners:
              lan: { port: 0 }
              other: { port: 65536 }
            dashboard: { port: 0, password: [] }

            """ + Scanner,
            "smarthost.yaml:2:52: error: accounts.default.appPassword is empty. Write it in quotes, or put it into a file and name that in appPasswordFile.",
            "smarthost.yaml:2:62: error: accounts.default.port is “0”, which is not a port. Write a number from 1 to 65535, such as 2525.",
            "smarthost.yaml:4:16: error: listeners.lan.port is “0”, which is not a port. Write a number from 1 to 65535, such as 2525.",
            "smarthost.yaml:5:18: error: listeners.other.port is “65536”, which is not a port. Write a number from 1 to 65535, such as 2525.",
            "smarthost.yaml:6:20: error: dashboard.port is “0”, which is not a port. Write a number from 1 to 65535, such as 2525.",
            "smarthost.yaml:6:33: error: dashboard.password is not a text. Write it in quotes, or put it into a file and name that in passwordFile.");
        yield return Case("an address with the length of its network", Account + "devices:\n  a:\n    addresses: [192.168.1.23/24, 10.0.0.0/8, 192.168.2.7/32, \"fd00::5/8\"]\n    recipients: \"*\"\n",
            "smarthost.yaml:7:17: warning: devices.a.addresses has “192.168.1.23/24”, which is all of the network 192.168.1.0/24. Write 192.168.1.23 for the one address, or 192.168.1.0/24 for all of them.",
            "smarthost.yaml:7:62: warning: devices.a.addresses has “fd00::5/8”, which is all of the network fd00::/8. Write fd00::5 for the one address, or fd00::/8 for all of them.");
        yield return Case("one port for two", Account + Scanner + "listeners:\n  a: { port: 2525 }\n  b: { port: 2525, address: 127.0.0.1 }\n  c: { port: 8025 }\n",
            "smarthost.yaml:11:8: error: listeners.b.port is 2525, which listeners.a.port (smarthost.yaml:10:8) has too. Give each a port of its own.",
            "smarthost.yaml:12:8: error: listeners.c.port is 8025, which dashboard.port (its default) has too. Give each a port of its own.");
        yield return Case("limits that make no sense", Account + Scanner + "delivery: { retryShortest: 5h }\nlimits: { maxSize: 50M }\nalerts: { format: ntfy }\n",
            "smarthost.yaml:9:13: error: delivery.retryShortest is 5h, longer than retryLongest (4h). Write a shorter one, or raise retryLongest.",
            "smarthost.yaml:10:11: warning: limits.maxSize is 52428800 octets, more than the 35882577 that Gmail takes. Remove the line: a device that hears at once that its message is too large can say so.",
            "smarthost.yaml:11:11: warning: alerts.format has no effect without a webhook. Write alerts.webhook, or remove the line.");
        yield return Case("a message that is given up before it is tried again", Account + Scanner + "delivery: { lifetime: 1m }\n",
            "smarthost.yaml:9:13: error: delivery.lifetime is 1m, not longer than retryShortest (1m), so a message would fail before it is tried again. Write a longer one, such as 5d, or shorten retryShortest.");
        yield return Case("a first wait that is all of the patience", Account + Scanner + "delivery: { retryShortest: 6d, retryLongest: 7d }\n",
            "smarthost.yaml:9:13: error: delivery.lifetime is 5d, not longer than retryShortest (6d), so a message would fail before it is tried again. Write a longer one, such as 5d, or shorten retryShortest.");
        yield return Case("a notice that comes too late", Account + Scanner + "delivery: { lifetime: 3h }\n",
            "smarthost.yaml:9:13: warning: delivery.lateNotice is 4h, not less than lifetime (3h), so a message fails before it is announced as late. Write a shorter lateNotice, or raise lifetime.");
        yield return Case("secrets of the page that are guessed", Account + Scanner + "dashboard: { password: '1', token: x }\n",
            "smarthost.yaml:9:14: warning: dashboard.password is shorter than 8 characters, so it may be guessed. Write a longer one, or remove the line: SmartHost then makes one and shows it once in the log.",
            "smarthost.yaml:9:29: warning: dashboard.token is shorter than 16 characters, so it may be guessed. Write a longer one, such as what openssl rand -hex 24 prints.");
        yield return Case("secrets of a page that is not there", Account + Scanner + "dashboard: { off: true, password: '1', token: x }\n");
        yield return Case("nobody's address, meant as everyone", Account + "devices:\n  a:\n    addresses: [0.0.0.0, '::']\n    recipients: '*'\n",
            "smarthost.yaml:7:5: error: devices.a.addresses has 0.0.0.0, which no device has, so it can never match. Write its address, such as 192.168.1.23, or your own network, such as 192.168.1.0/24.",
            "smarthost.yaml:7:5: error: devices.a.addresses has ::, which no device has, so it can never match. Write its address, such as 192.168.1.23, or your own network, such as 192.168.1.0/24.");
        yield return Case("a text of two lines", Account + Scanner + "    subjectPrefix: \"x\\ny\"\n",
            "smarthost.yaml:9:20: error: devices.scanner.subjectPrefix is “x?y”, which is not text on one line. It must be one line: write it without line ends and tabs.");
        yield return Case("a variable that nobody expands", Account + Scanner + "log: { file: $HOME/smarthost.log }\n",
            "smarthost.yaml:9:14: error: log.file is “$HOME/smarthost.log”, which is not a path. Write the whole path: variables such as $HOME are not read.");
        yield return Case("everyone, and an alias that is none", Account + "devices:\n  all:\n    addresses: 0.0.0.0/0\n    recipients: \"*\"\n    from: info@example.com\n",
            "smarthost.yaml:7:5: warning: devices.all.addresses has 0.0.0.0/0: everyone who reaches this port can send by your account. Write your own network, such as 192.168.1.0/24.",
            "smarthost.yaml:9:5: warning: devices.all.from is info@example.com, which is no alias of account default, so Gmail would replace it. Add it to accounts.default.aliases once Gmail has verified it, or write a display name.");
        yield return Case("patterns without quotes", Account + "devices:\n  a:\n    addresses: 10.0.0.1\n    recipients: [you@gmail.com, *@example.com]\n",
            "smarthost.yaml:8:33: error: *@example.com needs quotes. Write \"*@example.com\": without quotes, * means something else in YAML.");
        yield return Case("a star without quotes", Account + "devices:\n  a:\n    addresses: 10.0.0.1\n    recipients: *\n",
            "smarthost.yaml:8:17: error: * needs quotes. Write \"*\": without quotes, * means something else in YAML.");
        yield return Case("no blank after the colon", "accounts:\n  default: {username: you@gmail.com, appPassword:hunter2secret}\n" + Scanner,
            "smarthost.yaml:2:38: error: accounts.default.appPassword is not a setting. Write a blank after the colon: “appPassword: …”.");
        yield return Case("no blank after the colon, seen by the line below", "accounts:\n  default:\n    username:you@gmail.com\n\n    # from Google: 16 letters\n    appPassword: hunter2secret\n",
            "smarthost.yaml:3:5: error: a blank is missing after the colon. Write “username: …”.");
        yield return Case("no blank after the last colon", "accounts:\n  default:\n    username: you@gmail.com\n    appPassword:hunter2secret\n" + Scanner,
            "smarthost.yaml:4:5: error: a blank is missing after the colon. Write “appPassword: …”.");
        yield return Case("no blank after any colon", "accounts:\n  default:\n    username:you@gmail.com\n    appPassword:hunter2secret\n" + Scanner + "log:\n  level:debug\n",
            "smarthost.yaml:3:5: error: accounts.default must be a group with the settings of this account. Write a blank after the colon: “username: …”.",
            "smarthost.yaml:10:3: error: log must be a group of settings. Write a blank after the colon: “level: …”.");
        yield return Case("a group without its colon", Account + "devices\n  scanner:\n    addresses: 192.168.1.23\n",
            "smarthost.yaml:5:1: error: this line is not “name: value”. Write a colon and a blank after the name; a list item begins with “- ”.");
        yield return Case("an open bracket", Account + "devices:\n  a:\n    recipients: [you@gmail.com\n    addresses: [10.0.0.1]\n  b:\n    addresses: 10.0.0.2\n    recipients: \"*\"\n",
            "smarthost.yaml:7:17: error: the bracket [ that opens here is not closed. Write ] behind the last item.");
        yield return Case("an open bracket at the end", Account + "devices:\n  a: { addresses: [10.0.0.1], recipients: \"*\"\n\n",
            "smarthost.yaml:6:6: error: the bracket { that opens here is not closed. Write } behind the last setting.");
        yield return Case("a missing comma", Account + "devices:\n  a: { addresses: [10.0.0.1, \"10.0.0.2\" \"10.0.0.3\"], recipients: \"*\" }\n",
            "smarthost.yaml:6:41: error: a list in [ ] is not closed, or lacks a comma. Write [first, second].");
        yield return Case("a line without a colon", "accounts:\n  default:\n    username: you@gmail.com\n    appPassword hunter2secret\n",
            "smarthost.yaml:4:5: error: this line is not “name: value”. Write a colon and a blank after the name; a list item begins with “- ”.");
        yield return Case("indentation", "accounts:\n  default:\n    username: you@gmail.com\n   appPassword: hunter2secret\n",
            "smarthost.yaml:4:4: error: the indentation does not fit the lines above, or a quote ended too early. Indent the lines of one group alike, with blanks.");
        yield return Case("an open quote", "accounts:\n  default:\n    username: \"you@gmail.com\n",
            "smarthost.yaml:3:15: error: a quote or bracket is opened and never closed. Close it.");
        yield return Case("a second document", Account + Scanner + "---\nlog: {}\n",
            "smarthost.yaml:9:1: error: a second document starts here (---). Remove the line with --- : the settings are one document.");
        yield return Case("not settings at all", "hello world\n",
            "smarthost.yaml:1:1: error: the file does not begin with a setting. Write settings as “name: value”, such as “accounts:”; a blank must follow the colon.");
        yield return Case("a word for the contrary", Account + Scanner + "dashboard: { enabled: true }\n",
            "smarthost.yaml:9:14: error: dashboard.enabled is not a setting. Write off: true for no page; without it the page is on.");
        yield return Case("strangers by permission", Account + Scanner + "unknownDevices: allow\n",
            "smarthost.yaml:9:17: error: unknownDevices is “allow”, which is not refuse. Write refuse; to allow a whole network, list it under devices: addresses: [192.168.1.0/24].");
        yield return Case("ranges", Account + "devices:\n  a:\n    addresses: [192.168.1.20-192.168.1.30, 192.168.1.*]\n    recipients: \"*\"\n",
            "smarthost.yaml:7:17: error: devices.a.addresses has “192.168.1.20-192.168.1.30”, which is not an address or network. Ranges and * are not read: list the addresses one by one, or write the network, such as 192.168.1.0/24.",
            "smarthost.yaml:7:44: error: devices.a.addresses has “192.168.1.*”, which is not an address or network. Ranges and * are not read: list the addresses one by one, or write the network, such as 192.168.1.0/24.");
        yield return Case("a client without its id", "accounts:\n  default: { username: you@gmail.com, oauth: { clientSecret: hunter2secret } }\n" + Scanner,
            "smarthost.yaml:2:46: error: accounts.default.oauth.clientId is missing. Copy the client id from Google Cloud's console (Clients).");
        yield return Case("a home that nobody expands", Account + Scanner + "log: { file: ~/smarthost.log }\n",
            "smarthost.yaml:9:14: error: log.file is “~/smarthost.log”, which is not a path. Write the whole path: ~ is not read.");
        yield return Case("a secret with a number sign", "accounts:\n  default:\n    username: you@gmail.com\n    appPassword: abcd efgh ijkl mnop # made in May\n" + Scanner + "dashboard: { password: 'hunter2secret #1', token: hunter2secret-for-scripts\n  # for scripts\n  }\nalerts:\n  webhook: https://hunter2secret.example.com/ #1 more\n",
            "smarthost.yaml:13:12: warning: alerts.webhook ends before “ #”, with which a comment begins. If that belongs to it, put the whole into quotes; if it is a comment, move it to a line of its own.");
        yield return Case("an app password with more around it", """
            accounts:
              a: { username: a@gmail.com, appPassword: “abcd efgh ijkl mnop” }
              b: { username: b@gmail.com, appPassword: "app password: abcd efgh ijkl mnop" }
              c: { username: c@gmail.com, appPassword: x }

            """ + Scanner,
            "smarthost.yaml:2:31: warning: accounts.a.appPassword has 18 characters, not all of them letters; Google's app passwords have 16 letters. Remove the quotes: 16 letters and nothing else.",
            "smarthost.yaml:3:31: warning: accounts.b.appPassword has 28 characters, not all of them letters; Google's app passwords have 16 letters. Remove what stands before it: 16 letters and nothing else.",
            "smarthost.yaml:4:31: warning: accounts.c.appPassword has 1 character; Google's app passwords have 16 letters. The account's own password does not work here: make an app password at https://myaccount.google.com/apppasswords.");
        yield return Case("a file missing its data", "",
            "smarthost.yaml: error: accounts is missing: there is no Gmail account to send by. Write accounts: { default: { username: you@gmail.com, appPasswordFile: … } }, or set GMAIL_USERNAME and GMAIL_APP_PASSWORD_FILE.",
            "smarthost.yaml: warning: devices names none, so nobody can send yet. Let your device send once and allow it on the page, or add it under devices, or set SMARTHOST_DEVICES.");
        yield return Case("a webhook that is none", Account + Scanner + "alerts: { webhook: hunter2secret }\n",
            "smarthost.yaml:9:11: error: alerts.webhook is not a web address. Write an address that begins with https://.");
    }

    [TestCaseSource(nameof(Mistakes))]
    public void Every_mistake_is_told_with_its_place_and_remedy(string yaml, string[] expected)
    {
        using var folder = new SettingsFolder();
        var result = folder.Read(yaml);
        Assert.That(folder.Problems(result), Is.EqualTo(expected));
        Assert.That(result.Settings is null, Is.EqualTo(result.Problems.Any(problem => problem.IsError)), "one error is enough for there to be no settings");
        Assert.That(ProblemText.Format(result.Problems), Does.Not.Contain("hunter2secret"), "a secret is never quoted");
    }

    /// <summary>Elsewhere it would be a folder of that name, beside the file.</summary>
    [Test, Platform(Exclude = "Win", Reason = "there it is a path")]
    public void A_Windows_path_is_none_here()
    {
        using var folder = new SettingsFolder();
        Assert.That(folder.Problems(folder.Read(Account + Scanner + "log: { file: C:\\ProgramData\\SmartHost.log }\n")), Is.EqualTo(new[]
        {
            "smarthost.yaml:9:14: error: log.file is “C:\\ProgramData\\SmartHost.log”, which is not a path. That is a Windows path: write one of this system, which begins with /.",
        }));
    }

    [Test]
    public void Problems_are_printed_with_place_cause_and_remedy()
    {
        using var folder = new SettingsFolder();
        var result = folder.Read(Account + "devices:\n  scanner:\n    address: 10.0.0.1\n    recipients: \"*\"\n    username: a\n    passwordHash: x\n");
        Assert.That(ProblemText.Format(result.Problems).Replace(folder.Path + "/", ""), Is.EqualTo("""
            ✗ smarthost.yaml:7:5
                devices.scanner.address is not a setting.
                → Did you mean addresses?
            ✗ smarthost.yaml:10:5
                devices.scanner.passwordHash is not a hash made by smarthost hash-password.
                → Run smarthost hash-password and write what it prints, in quotes; in a compose file double every $.
            2 mistakes

            """));
    }

    private static TestCaseData Case(string name, string yaml, params string[] expected) =>
        new TestCaseData(yaml, expected).SetArgDisplayNames(name);
}
