namespace SmartHost.Queue;

/// <summary>The data folder cannot be used; the message says why and what to do.</summary>
public sealed class QueueUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
