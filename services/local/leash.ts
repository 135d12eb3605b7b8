// Loaded before a service: ends it at once when whoever started it is gone, even by SIGKILL, so that its port is free
// for the next start. Its standard input is a pipe from there, which the operating system closes in every case.
process.stdin.on('end', () => {
  // Under `node --watch` the watching process, whose child has a channel to it, has to go too.
  if (process.connected) process.kill(process.ppid, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
});
process.stdin.resume();
process.stdin.unref();
