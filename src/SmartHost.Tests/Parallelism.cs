// Most tests wait: for a process, a retry, a browser. Three at a time take half as long as one after the other; what measures the
// whole process is [NonParallelizable].
[assembly: Parallelizable(ParallelScope.Fixtures)]
[assembly: LevelOfParallelism(3)]
