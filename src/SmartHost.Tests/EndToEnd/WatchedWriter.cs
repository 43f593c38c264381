using System.Text;

namespace SmartHost.Tests.EndToEnd;

/// <summary>What a command has written so far, read while it still runs.</summary>
internal sealed class WatchedWriter : TextWriter
{
    private readonly StringBuilder text = new();

    public override Encoding Encoding => Encoding.UTF8;

    public string Text
    {
        get { lock (text) return text.ToString(); }
    }

    public override void Write(char value)
    {
        lock (text) text.Append(value);
    }
}
