namespace SmartHost.Gmail;

/// <summary>What the server offered in reply to EHLO, as far as it changes what we send.</summary>
/// <param name="MaxSize">Octets (RFC 1870), or null where no limit was named.</param>
internal sealed record EhloOffer(bool Size, long? MaxSize, bool EightBitMime, bool SmtpUtf8, bool Pipelining, bool Chunking);
