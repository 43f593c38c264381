using System.Text;

namespace SmartHost.Practice;

/// <summary>A one-page PDF drawn by code (PDF 1.4, ISO 32000-1 §7.5), so that the sample scan carries no file of anyone's.</summary>
internal static class SamplePdf
{
    public static byte[] Draw(string title, string line)
    {
        var page = $"""
            0.85 0.90 0.97 rg 40 40 515 762 re f
            1 1 1 rg 60 60 475 722 re f
            0.15 0.30 0.55 RG 3 w 90 640 m 505 640 l S
            0.15 0.30 0.55 rg
            BT /F1 30 Tf 90 660 Td ({Escape(title)}) Tj ET
            BT /F1 14 Tf 90 600 Td ({Escape(line)}) Tj ET
            """.ReplaceLineEndings("\n");
        string[] objects =
        [
            "<< /Type /Catalog /Pages 2 0 R >>",
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
            $"<< /Length {page.Length} >>\nstream\n{page}\nendstream",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        ];
        var pdf = new StringBuilder("%PDF-1.4\n");
        var offsets = new List<int>();
        for (var i = 0; i < objects.Length; i++)
        {
            offsets.Add(pdf.Length);
            pdf.Append($"{i + 1} 0 obj\n{objects[i]}\nendobj\n");
        }
        var table = pdf.Length;
        // Each entry of the table is 20 octets exactly, its line end of two included (§7.5.4).
        pdf.Append($"xref\n0 {objects.Length + 1}\n0000000000 65535 f \n");
        foreach (var offset in offsets) pdf.Append($"{offset:D10} 00000 n \n");
        pdf.Append($"trailer\n<< /Size {objects.Length + 1} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
        return Encoding.ASCII.GetBytes(pdf.ToString());
    }

    private static string Escape(string text) => text.Replace("\\", "\\\\").Replace("(", "\\(").Replace(")", "\\)");
}
