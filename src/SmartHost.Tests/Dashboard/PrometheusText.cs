using System.Globalization;
using System.Text.RegularExpressions;

namespace SmartHost.Tests.Dashboard;

/// <summary>One number: <c>smarthost_messages_accepted_total{device="scanner"} 3</c>.</summary>
internal sealed record Sample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    public string Id => Name + "{" + string.Join(',', Labels.OrderBy(label => label.Key, StringComparer.Ordinal)) + "}";
}

internal sealed record MetricFamily(string Name, string Type, string? Help, IReadOnlyList<Sample> Samples);

/// <summary>
/// Reads Prometheus' text format 0.0.4, and is as strict as it allows: what a lenient scraper would forgive is a failure
/// here. https://prometheus.io/docs/instrumenting/exposition_formats/
/// </summary>
internal static partial class PrometheusText
{
    private static readonly HashSet<string> Types = ["counter", "gauge", "histogram", "summary", "untyped"];

    public static IReadOnlyList<MetricFamily> Parse(string text)
    {
        Assert.That(text, Does.EndWith("\n"), "the last line must end, too");
        Assert.That(text, Does.Not.Contain("\r"));
        var families = new List<MetricFamily>();
        var (name, type, help) = ("", "", null as string);
        var samples = new List<Sample>();
        foreach (var line in text.Split('\n')[..^1])
        {
            if (Describing().Match(line) is { Success: true } about)
            {
                var (word, of, rest) = (about.Groups[1].Value, about.Groups[2].Value, about.Groups[3].Value);
                // A family begins with the first word about it, and all that is said of it stands together.
                if (of != name) Begin(of);
                Assert.That(samples, Is.Empty, $"{line}: HELP and TYPE come before the numbers");
                if (word == "HELP") help = rest;
                else if (word == "TYPE")
                {
                    Assert.That(type, Is.Empty, $"{line}: a second TYPE");
                    Assert.That(Types, Does.Contain(rest), line);
                    type = rest;
                }
                continue;
            }
            Assert.That(line, Does.Not.StartWith("#").Or.EqualTo("# EOF"), "a comment that is no comment");
            if (line.StartsWith('#')) continue;
            var sample = Read(line);
            Assert.That(Belongs(sample.Name, name, type), $"{line}: not of the family {name}, a {type}");
            samples.Add(sample);
        }
        End();
        Assert.That(families.Select(family => family.Name), Is.Unique, "a family is told of once");
        Assert.That(families.SelectMany(family => family.Samples).Select(sample => sample.Id), Is.Unique, "a number is told of once");
        return families;

        void Begin(string next)
        {
            End();
            (name, type, help, samples) = (next, "", null, []);
        }

        void End()
        {
            if (name == "") return;
            Assert.That(type, Is.Not.Empty, $"{name} has no TYPE");
            if (type == "histogram") CheckHistogram(name, samples);
            families.Add(new MetricFamily(name, type, help, samples));
        }
    }

    private static bool Belongs(string sample, string family, string type) => type switch
    {
        "histogram" => sample == family + "_bucket" || sample == family + "_sum" || sample == family + "_count",
        _ => sample == family,
    };

    private static Sample Read(string line)
    {
        var match = SampleLine().Match(line);
        Assert.That(match.Success, $"no sample: {line}");
        var labels = new Dictionary<string, string>();
        foreach (var (key, value) in match.Groups["label"].Captures.Zip(match.Groups["text"].Captures)) Assert.That(labels.TryAdd(key.Value, value.Value), $"{line}: a label twice");
        var number = match.Groups["value"].Value;
        var read = number switch { "+Inf" => double.PositiveInfinity, "-Inf" => double.NegativeInfinity, "NaN" => double.NaN, _ => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture) };
        return new Sample(match.Groups["name"].Value, labels, read);
    }

    private static void CheckHistogram(string family, List<Sample> samples)
    {
        foreach (var series in samples.GroupBy(sample => string.Join(',', sample.Labels.Where(label => label.Key != "le").OrderBy(label => label.Key, StringComparer.Ordinal))))
        {
            var buckets = series.Where(sample => sample.Name.EndsWith("_bucket", StringComparison.Ordinal)).ToList();
            Assert.That(buckets.Select(bucket => Bound(bucket.Labels["le"])), Is.Ordered.Ascending.And.Unique, family);
            Assert.That(buckets.Select(bucket => bucket.Value), Is.Ordered.Ascending, $"{family}: buckets are cumulative");
            Assert.That(buckets[^1].Labels["le"], Is.EqualTo("+Inf"), family);
            Assert.That(series.Single(sample => sample.Name == family + "_count").Value, Is.EqualTo(buckets[^1].Value), family);
            Assert.That(series.Count(sample => sample.Name == family + "_sum"), Is.EqualTo(1), family);
        }
    }

    private static double Bound(string text) => text == "+Inf" ? double.PositiveInfinity : double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);

    [GeneratedRegex("^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$")]
    private static partial Regex Describing();

    /// <summary>In a label's text only \\, \" and \n are escapes, and only those three need one.</summary>
    [GeneratedRegex("^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\\{((?<label>[a-zA-Z_][a-zA-Z0-9_]*)=\"(?<text>([^\"\\\\\\n]|\\\\[\\\\\"n])*)\"(,(?=[a-zA-Z_]))?)*\\})? (?<value>[+-]Inf|NaN|[-+0-9.eE]+)( -?[0-9]+)?$", RegexOptions.ExplicitCapture)]
    private static partial Regex SampleLine();
}
