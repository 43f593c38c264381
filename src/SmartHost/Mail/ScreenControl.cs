using System.Text;

namespace SmartHost.Mail;

/// <summary>
/// Characters that a screen obeys and does not show: control characters, and those that turn the direction of writing (Unicode UAX #9),
/// which would have the rest of a line run backwards. A stranger's text is shown without them.
/// </summary>
internal static class ScreenControl
{
    public static bool Is(char c) => char.IsControl(c) || c is '\u061c' or '\u200e' or '\u200f' or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    public static bool Is(Rune rune) => rune.IsBmp && Is((char)rune.Value);
}
