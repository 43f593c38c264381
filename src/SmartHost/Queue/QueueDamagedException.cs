namespace SmartHost.Queue;

/// <summary>What was asked for lies on a damaged page of the database. Other rows may be sound.</summary>
public sealed class QueueDamagedException(string sentence, Exception? inner) : IOException(sentence, inner);
