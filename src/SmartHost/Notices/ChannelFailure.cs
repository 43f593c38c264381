namespace SmartHost.Notices;

/// <summary>Why a channel did not take an announcement.</summary>
/// <param name="Final">Trying again will not help: the receiver does not want it so.</param>
public sealed record ChannelFailure(string Reason, bool Final);
