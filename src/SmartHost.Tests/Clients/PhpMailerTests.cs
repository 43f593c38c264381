namespace SmartHost.Tests.Clients;

/// <summary>PHPMailer, in web shops, blogs and forms. It writes names in Q encoding, and an attachment's twice, once as the type's parameter.</summary>
[Parallelizable(ParallelScope.All)]
public class PhpMailerTests
{
    private const string Script = """
        foreach (['Exception', 'PHPMailer', 'SMTP'] as $class) require "/usr/share/php/libphp-phpmailer/src/$class.php";
        [, $way, $port, $certificate, $user, $password, $from, $to, $subject, $text, $attachment] = $argv;
        $mail = new PHPMailer\PHPMailer\PHPMailer(true);
        $mail->isSMTP();
        $mail->Timeout = 20;
        $mail->CharSet = 'utf-8';
        // By address its TLS would look for a name that no certificate has.
        [$mail->Host, $mail->Port] = ['localhost', (int)$port];
        $mail->SMTPAutoTLS = false;
        $mail->SMTPSecure = ['StartTls' => 'tls', 'ImplicitTls' => 'ssl'][$way] ?? '';
        $mail->SMTPOptions = ['ssl' => ['cafile' => $certificate]];
        if ($way !== 'Plain') [$mail->SMTPAuth, $mail->Username, $mail->Password] = [true, $user, $password];
        $mail->setFrom($from, 'Shop');
        $mail->addAddress($to);
        $mail->Subject = $subject;
        $mail->Body = file_get_contents($text);
        $mail->addAttachment($attachment);
        $mail->send();
        """;

    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        await ForeignProgram.RunAsync("php",
        [
            "-d", "display_errors=stderr", "-r", Script, "--", way.ToString(), bench.PortFor(way).ToString(), bench.Certificate, ClientBench.Username, ClientBench.Password,
            ClientBench.From, ClientBench.To, ClientBench.Subject, bench.TextFile, bench.Attachment,
        ], cancellation);
        await bench.DeliveredAsync(way, cancellation);
    }
}
