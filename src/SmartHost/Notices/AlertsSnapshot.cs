namespace SmartHost.Notices;

/// <summary>How telling an alert on one channel went, for the page.</summary>
/// <param name="Problem">Null: delivered.</param>
/// <param name="NextTry">Null: it is settled, for better or worse.</param>
/// <param name="Mail">The queue id of the mail that carries it: handed to the queue, it waits there like any other.</param>
public sealed record AlertDelivery(DateTimeOffset At, string Channel, string Title, string? Problem, DateTimeOffset? NextTry, string? Mail = null);

/// <param name="Troubles">What lasts now, and events of the last minutes; the oldest first.</param>
/// <param name="Deliveries">The last fifty, newest first.</param>
public sealed record AlertsSnapshot(IReadOnlyList<AlertStanding> Troubles, IReadOnlyList<AlertDelivery> Deliveries);
