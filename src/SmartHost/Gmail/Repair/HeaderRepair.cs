using System.Text;
using MimeKit.Utils;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// A header that Gmail takes: one From, a Date, a Message-ID, one of each field that may stand once, ASCII, short lines, no Bcc.
/// Fields without a fault go out octet for octet, in their order; new ones stand at the end.
/// Bad input never fails here: what cannot be repaired is left out, and the timeline says so.
/// </summary>
internal sealed class HeaderRepair
{
    /// <summary>What says less is the year that a clock begins with: 1970, 1980, 2000, or the firmware's. Readers sort by it, and nobody would find an alarm that lies below all other mail.</summary>
    private const int FirstLikelyYear = 2020;

    private readonly RepairContext context;
    private readonly List<HeaderField> fields;
    private readonly List<string> repairs;

    private HeaderRepair(IEnumerable<HeaderField> fields, RepairContext context, List<string> repairs) =>
        (this.fields, this.context, this.repairs) = ([.. fields], context, repairs);

    /// <param name="body">What the body turned out to be: it decides charset and transfer encoding.</param>
    /// <returns>The header with the empty line behind it, and the one mailbox of its From.</returns>
    public static (byte[] Header, Mailbox From) Repair(HeaderBlock block, RepairContext context, BodyFacts body, List<string> repairs)
    {
        var repair = new HeaderRepair(block.Fields.Select(field => HeaderText.InUtf8(field, body.TextCharset)), context, repairs);
        repair.RemovePrivate();
        repair.MendMime(body);
        var from = repair.ApplyFromRule();
        repair.Merge("To");
        repair.Merge("Cc");
        repair.MendRecipients("To");
        repair.MendRecipients("Cc");
        repair.MendDate();
        repair.MendMessageId();
        repair.MendSubject();
        repair.PrefixSubject();
        repair.NameSomeRecipient();
        repair.CleanText();
        repair.fields.Add(HeaderText.Unstructured("X-SmartHost-Device", HeaderText.OnOneLine(context.Device)));
        return (repair.Write(), from);
    }

    /// <summary>Gmail passes Bcc on to everyone. A device's word on who we say it is does not count.</summary>
    private void RemovePrivate()
    {
        if (fields.RemoveAll(field => field.Is("Bcc") || field.Is("Resent-Bcc")) > 0) repairs.Add("removed Bcc");
        if (fields.RemoveAll(field => field.Is("Return-Path")) > 0) repairs.Add("removed Return-Path");
        fields.RemoveAll(field => field.Is("X-SmartHost-Device"));
    }

    private Mailbox ApplyFromRule()
    {
        var written = fields.FindAll(field => field.Is("From"));
        var rule = FromRule.Decide(written, context);
        var made = HeaderText.Folded("From", rule.Value);
        var same = rule.IsKept || (written.Count == 1 && written[0].Raw.Span.SequenceEqual(made.Raw.Span));
        if (!same)
        {
            var original = written.Count > 0 ? string.Join(", ", written.Select(field => HeaderText.Read(field.Value))) : context.Sender.Mailbox?.ToString();
            Replace(made);
            KeepOriginal("From", original);
            repairs.Add(written.Count switch
            {
                0 => "supplied From",
                1 => $"made From {rule.Mailbox} in place of the device's own",
                _ => $"made one From, {rule.Mailbox}, of {written.Count}",
            });
        }
        MendReplyTo(rule.ReplyTo);

        // A Sender that is not ours would be as foreign as the From was.
        var senders = fields.FindAll(field => field.Is("Sender"));
        var kept = same && senders.Count == 1 && MailboxList.Read(senders[0].Value) is [{ Address: { } sender }] && FromRule.IsOurs(sender, context);
        if (senders.Count > 0 && !kept)
        {
            fields.RemoveAll(field => field.Is("Sender"));
            repairs.Add("removed Sender");
        }
        return rule.Mailbox;
    }

    private void MendReplyTo(IReadOnlyList<Mailbox> others)
    {
        var written = fields.FindAll(field => field.Is("Reply-To"));
        foreach (var field in written)
        {
            var entries = MailboxList.Read(field.Value);
            if (entries.Count > 0 && HeaderText.IsClean(field.Raw.Span) && MailboxList.IsPlain(field.Value, entries))
            {
                if (written.Count > 1) Replace(field);
                return;
            }
            if (MailboxList.Field("Reply-To", entries) is { } mended)
            {
                Replace(mended);
                repairs.Add("mended Reply-To");
                return;
            }
        }
        if (fields.RemoveAll(field => field.Is("Reply-To")) > 0) repairs.Add("removed a Reply-To without an address");
        if (others.Count == 0) return;
        fields.Add(HeaderField.Of("Reply-To", string.Join(",\r\n ", others.Select(MailboxList.AsciiAddress))));
        repairs.Add($"set Reply-To to {string.Join(", ", others)}");
    }

    /// <summary>Some devices write one To for each recipient.</summary>
    private void Merge(string name)
    {
        var written = fields.FindAll(field => field.Is(name));
        if (written.Count < 2) return;
        using var joined = new MemoryStream();
        foreach (var field in written)
        {
            var value = field.Value.Trim(" \t\r\n,"u8);
            if (value.IsEmpty) continue;
            joined.Write(joined.Length == 0 ? " "u8 : ",\r\n "u8);
            joined.Write(value);
        }
        byte[] raw = [.. Encoding.ASCII.GetBytes(name), (byte)':', .. joined.ToArray()];
        Replace(new HeaderField(name, raw, name.Length + 1));
        repairs.Add($"merged {written.Count} {name} fields");
    }

    /// <summary>An address field must hold addresses. What it held instead stays readable as X-Original-….</summary>
    private void MendRecipients(string name)
    {
        if (Find(name) is not { } field) return;
        var entries = MailboxList.Read(field.Value);
        if (HeaderText.IsClean(field.Raw.Span) && (MailboxList.IsGroup(field.Value) || (entries.Count > 0 && MailboxList.IsPlain(field.Value, entries)))) return;
        var mended = MailboxList.Field(name, entries);
        if (mended is { } made) Replace(made);
        else fields.RemoveAll(other => other.Is(name));
        var original = HeaderText.Read(field.Value);
        // Between two commas there may be an address that nobody can read.
        if (mended is null || original.Count(c => c == '@') > entries.Count || entries.Exists(entry => entry.Address is null || MailboxList.AsciiAddress(entry.Address) is null))
            KeepOriginal(name, original);
        repairs.Add(mended is null ? $"removed a {name} without an address" : $"mended {name}");
    }

    private void MendDate()
    {
        var written = Find("Date");
        var year = written is { } dated ? HeaderText.YearOf(dated.Value) : null;
        // What is sent once more keeps the Date of the first time (RFC 5322 §3.6.6).
        if (written is { } field && (year >= FirstLikelyYear || (year is not null && Find("Resent-Date") is not null)))
        {
            if (HeaderText.IsClean(field.Raw.Span)) return;
            Replace(HeaderField.Of("Date", HeaderText.Read(HeaderText.WithoutComment(field.Value))));
            repairs.Add("kept Date without what cannot stand in it");
            return;
        }
        Replace(HeaderField.Of("Date", DateUtils.FormatDate(context.ReceivedAt)));
        if (written is { } old) KeepOriginal("Date", HeaderText.Read(old.Value));
        repairs.Add(written is null ? "supplied Date"
            : year is null ? "replaced an unreadable Date by the time of arrival"
            : "replaced the Date of a clock that nobody set by the time of arrival");
    }

    private void MendMessageId()
    {
        var written = Find("Message-ID");
        var id = HeaderText.AsciiOnly(context.MessageId);
        if (written is { } field && field.Value.Trim(" \t\r\n"u8).SequenceEqual(Encoding.ASCII.GetBytes(id)) && HeaderText.IsClean(field.Raw.Span)) return;
        Replace(HeaderText.Folded("Message-ID", id));
        if (written is { } old) KeepOriginal("Message-ID", HeaderText.Read(old.Value));
        repairs.Add(written is null ? "supplied Message-ID" : "replaced Message-ID");
    }

    /// <summary>Encoded-words as programs make them that encode a text as if it were a body: with blanks in them, or cut by a fold. RFC 2047 §2 allows none, so most readers show the code.</summary>
    private void MendSubject()
    {
        if (Find("Subject") is not { } field || !Ascii.IsValid(field.Raw.Span)) return;
        var written = HeaderText.Read(field.Value);
        var mended = HeaderText.WithoutBlanksInWords(written);
        if (mended == written) return;
        Replace(HeaderText.Folded("Subject", mended));
        repairs.Add("took blanks out of the Subject's encoded-words");
    }

    private void PrefixSubject()
    {
        var prefix = HeaderText.OnOneLine(context.SubjectPrefix ?? "");
        var value = Find("Subject") is { } field ? field.Value : default;
        if (HeaderText.Decoded(value).StartsWith(prefix, StringComparison.Ordinal)) return;
        // The device's own words are not written anew: who can read their charset still can.
        var (before, words) = (HeaderText.Encode(prefix), HeaderText.Words(value));
        // Readers drop a blank between two encoded-words (RFC 2047 §6.2), so it is one itself.
        var blank = before.EndsWith("?=", StringComparison.Ordinal) && words.StartsWith("=?", StringComparison.Ordinal) ? " =?utf-8?q?_?= " : " ";
        Replace(HeaderText.Folded("Subject", (before + blank + words).TrimEnd()));
    }

    /// <summary>Legal without (RFC 5322 §3.6), but spam filters count it; the empty group discloses nobody.</summary>
    private void NameSomeRecipient()
    {
        if (Find("To") is null && Find("Cc") is null) fields.Add(HeaderField.Of("To", "undisclosed-recipients:;"));
    }

    private void MendMime(BodyFacts body)
    {
        var encoding = Find("Content-Transfer-Encoding");
        if (body.Charset is { } charset)
        {
            Replace(TextCharset.Declare(body.Root, charset));
            repairs.Add($"named the text's charset, {charset}");
        }
        var wanted = body.RootEncoding;
        if (wanted is not null)
        {
            Replace(HeaderField.Of("Content-Transfer-Encoding", wanted));
            if (encoding is not null || wanted is not "8bit") repairs.Add($"set Content-Transfer-Encoding to {wanted}");
        }
        var hasMimeField = Find("Content-Type") is not null || Find("Content-Transfer-Encoding") is not null;
        if (!hasMimeField || Find("MIME-Version") is not null) return;
        fields.Add(HeaderField.Of("MIME-Version", "1.0"));
        repairs.Add("supplied MIME-Version");
    }

    /// <summary>Raw 8-bit, control characters, endless lines: whatever is left of them, each field by its own rules.</summary>
    private void CleanText()
    {
        var mended = new List<string>();
        for (var i = fields.Count - 1; i >= 0; i--)
        {
            var field = fields[i];
            var raw = field.Raw.Span;
            if (HeaderText.IsClean(raw) && raw[field.Name.Length] == ':') continue;
            if (HeaderText.Mended(field) is { } clean)
            {
                fields[i] = clean;
                if (!clean.Raw.Span.SequenceEqual(raw)) mended.Add(field.Name);
            }
            else
            {
                fields.RemoveAt(i);
                mended.Add(field.Name);
            }
        }
        mended.Reverse();
        if (mended.Count > 0) repairs.Add($"rewrote {string.Join(", ", mended.Distinct(StringComparer.OrdinalIgnoreCase).Take(8))} in ASCII and short lines");
    }

    private HeaderField? Find(string name)
    {
        var at = fields.FindIndex(field => field.Is(name));
        return at < 0 ? null : fields[at];
    }

    /// <summary>What a field held before, for a person to read.</summary>
    private void KeepOriginal(string name, string? text)
    {
        if (!string.IsNullOrEmpty(text)) Replace(HeaderText.Unstructured($"X-Original-{name}", text));
    }

    /// <summary>In place of the first of its name, and of all others; at the end where there is none.</summary>
    private void Replace(HeaderField field)
    {
        var at = fields.FindIndex(other => other.Is(field.Name));
        fields.RemoveAll(other => other.Is(field.Name));
        if (at < 0) fields.Add(field);
        else fields.Insert(at, field);
    }

    private byte[] Write()
    {
        using var made = new MemoryStream();
        foreach (var field in fields)
        {
            made.Write(field.Raw.Span);
            made.Write("\r\n"u8);
        }
        made.Write("\r\n"u8);
        return made.ToArray();
    }
}
