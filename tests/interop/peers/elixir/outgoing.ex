defmodule Tw.Outgoing do
  @moduledoc """
  What a connection writes (section 7.10). Goaway, cancel, ping, pong and refusals go at once (`free`);
  results and calls wait for room in the order in which they came (`wait`), and are made when they are
  admitted, so that a timeout is that of the moment.
  """

  @limit 67_108_864
  @free_limit 1_048_576
  @piece 65_536
  @stall_bytes 65_536
  @stall_ms 30_000
  @idle_ms 180_000

  # bytes: what waits to be written. taken: what the kernel took since the beginning. marks: ends of what went
  # without waiting, counted so, with its length. waiting: {size, make}; waited: the sum of their sizes.
  defstruct pieces: :queue.new(),
            rest: "",
            bytes: 0,
            taken: 0,
            marks: :queue.new(),
            free: 0,
            waiting: :queue.new(),
            waited: 0,
            selecting: nil,
            stall: nil,
            idle: nil

  def limit, do: @limit

  @doc "Everything that waits to be written, admitted or not."
  def load(out), do: out.bytes + out.waited

  def empty?(out), do: out.bytes == 0 and :queue.is_empty(out.waiting)

  @doc "A frame that does not wait."
  def free(out, frame) do
    out = push(out, frame)
    size = byte_size(frame) + 4
    %{out | marks: :queue.in({out.taken + out.bytes, size}, out.marks), free: out.free + size}
  end

  def too_much_free?(out), do: out.free > @free_limit

  @doc "What waits, of about this size; it is made when there is room."
  def wait(out, size, what),
    do: %{out | waiting: :queue.in({size, what}, out.waiting), waited: out.waited + size}

  @doc "Without those that the function picks; they come back."
  def take_out(out, pick) do
    {gone, kept} =
      out.waiting |> :queue.to_list() |> Enum.split_with(fn {_, what} -> pick.(what) end)

    sizes = kept |> Enum.map(&elem(&1, 0)) |> Enum.sum()
    {Enum.map(gone, &elem(&1, 1)), %{out | waiting: :queue.from_list(kept), waited: sizes}}
  end

  @doc "The next that may be admitted, where there is room: always one, however long it is."
  def next(out, admitted) do
    case :queue.peek(out.waiting) do
      {:value, {size, what}}
      when out.bytes + size <= @limit or (admitted == 0 and out.bytes < @limit) ->
        {what, %{out | waiting: :queue.drop(out.waiting), waited: out.waited - size}}

      _ ->
        nil
    end
  end

  def push(out, frame) do
    pieces = :queue.in(frame, :queue.in(<<byte_size(frame)::32>>, out.pieces))
    %{out | pieces: pieces, bytes: out.bytes + byte_size(frame) + 4}
  end

  @doc "Writes what the transport takes now. `{:ok, out}` or `{:lost, out}`."
  def flush(out, _) when out.bytes == 0 or out.selecting != nil, do: {:ok, out}

  def flush(%{rest: ""} = out, socket) do
    {data, pieces} = gather(out.pieces, [], 0)
    flush(%{out | rest: IO.iodata_to_binary(data), pieces: pieces}, socket)
  end

  def flush(out, socket) do
    case :socket.send(socket, out.rest, [], :nowait) do
      :ok -> out |> took("") |> flush(socket)
      {:ok, rest} -> out |> took(rest) |> flush(socket)
      {:select, {info, rest}} -> {:ok, %{took(out, rest) | selecting: info}}
      {:select, info} -> {:ok, %{out | selecting: info}}
      {:error, _} -> {:lost, out}
    end
  end

  defp gather(pieces, data, size) do
    case :queue.out(pieces) do
      {{:value, piece}, more} when size == 0 or size + byte_size(piece) <= @piece ->
        gather(more, [data, piece], size + byte_size(piece))

      _ ->
        {data, pieces}
    end
  end

  defp took(out, rest) do
    n = byte_size(out.rest) - byte_size(rest)
    unmark(%{out | rest: rest, bytes: out.bytes - n, taken: out.taken + n})
  end

  defp unmark(out) do
    case :queue.peek(out.marks) do
      {:value, {stop, size}} when stop <= out.taken ->
        unmark(%{out | marks: :queue.drop(out.marks), free: out.free - size})

      _ ->
        out
    end
  end

  @doc """
  Asked every second: `{stalled?, out}` by C-95 and C-96. What the peer's system acknowledged is taken from
  what the kernel took of us: its buffer is full whenever so much waits. Pause: by how much this was late.
  """
  def stalled(out, now, pause) do
    stall = mark(out.stall, load(out) > @limit, out.taken, now, @stall_bytes, pause)
    idle = mark(out.idle, load(out) > 0, out.taken, now, 1, pause)

    {past?(stall, now, @stall_ms) or past?(idle, now, @idle_ms),
     %{out | stall: stall, idle: idle}}
  end

  defp mark(_, false, _, _, _, _), do: nil
  defp mark(nil, true, taken, now, _, _), do: {taken, now}
  defp mark({from, _}, true, taken, now, enough, _) when taken - from >= enough, do: {taken, now}
  defp mark({from, since}, true, _, _, _, pause), do: {from, since + pause}

  defp past?(nil, _, _), do: false
  defp past?({_, since}, now, limit), do: now - since >= limit * 1000
end
