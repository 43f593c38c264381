using System.Buffers.Binary;
using System.Numerics;

namespace SmartHost.Gmail.Repair;

/// <summary>CRC-32C, which processors have an instruction for. It tells contents apart; it protects against nobody.</summary>
internal static class Checksum
{
    /// <param name="before">Of the octets before these; 0 at the beginning. Where the cuts between them lie makes no difference.</param>
    public static uint Of(ReadOnlySpan<byte> octets, uint before = 0)
    {
        var crc = ~before;
        for (; octets.Length >= sizeof(ulong); octets = octets[sizeof(ulong)..]) crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(octets));
        foreach (var octet in octets) crc = BitOperations.Crc32C(crc, octet);
        return ~crc;
    }
}
