namespace SmartHost.Hosting;

/// <summary>The server cannot start; the message is a sentence for a person and says what to do.</summary>
public sealed class StartFailedException(string message, Exception? inner = null) : Exception(message, inner);
