defmodule Tw.Write do
  @moduledoc """
  Frames are made here: base frames, and extensions of which context is shed where it does not fit
  (section 4.2). Throws `{:refused, rule}` inside.
  """

  @magic <<0xD9, 0xD4, 0xF7>>
  @max32 0xFFFFFFFF
  @map_bytes 16_384
  @entries 64

  @doc "A frame that this peer says: entries are `{key, plain value}` in ascending order."
  def plain(kind, id, target, payload, entries \\ []) do
    frame(
      base(kind, id, target, payload),
      for({k, v} <- entries, do: {Tw.Cbor.write(k), Tw.Cbor.write(v)})
    )
  end

  @doc """
  `{:ok, bytes}` or `{:refused, rule}`. Extensions are pairs of terms as given: keys and plain values, or
  values `{:encoded, bytes}`.
  """
  def encode(kind, id, target, payload, trace, state, extensions) do
    check_base(kind, id, target)
    {encoded, plain} = Enum.split_with(extensions, &match?({_, {:encoded, _}}, &1))
    plain = Enum.map(plain, &checked(&1, List.keymember?(encoded, elem(&1, 0), 0)))
    encoded = Enum.map(encoded, &checked_encoded/1)
    # Of a key that is given both ways the encoded bytes are written (E-11).
    given = Enum.reject(plain, &List.keymember?(encoded, elem(&1, 0), 0)) ++ encoded
    {:ok, frame(base(kind, id, target, payload), given |> parts(trace, state) |> fitted())}
  catch
    {:refused, rule} -> {:refused, rule}
  end

  # The base frame, in the order of section 2.1.
  defp check_base(kind, id, target) do
    if kind not in 0..0xFFFF, do: refuse("F-7")
    if id not in 0..@max32, do: refuse("F-8")
    if id == 0 and kind in [0, 1, 5, 6, 7], do: refuse("F-9")
    if id > 0 and kind in 2..4, do: refuse("F-10")

    case {kind, target} do
      {0, {:text, b}} when byte_size(b) in 1..255 -> utf8(b)
      {0, _} -> refuse("F-11")
      {2, {:text, b}} when byte_size(b) <= 255 -> utf8(b)
      {2, _} -> refuse("F-12")
      {1, n} when n in 0..@max32 -> :ok
      {1, _} -> refuse("F-13")
      {k, 0} when k in 3..7 -> :ok
      {k, _} when k in 3..7 -> refuse("F-14")
      {_, {:text, b}} when byte_size(b) <= 255 -> utf8(b)
      {_, n} when n in 0..@max32 -> :ok
      _ -> refuse("F-15")
    end
  end

  defp utf8(b), do: unless(String.valid?(b), do: refuse("F-16"))
  defp refuse(rule), do: throw({:refused, rule})

  defp base(kind, id, target, payload),
    do: [
      Tw.Cbor.write(kind),
      Tw.Cbor.write(id),
      Tw.Cbor.write(target),
      Tw.Cbor.write({:bytes, payload})
    ]

  defp frame(base, entries),
    do: IO.iodata_to_binary([@magic, array(entries), base | map(entries)])

  defp array([]), do: 0x84
  defp array(_), do: 0x85
  defp map([]), do: []

  defp map(entries),
    do: [Tw.Cbor.head(5, length(entries)) | Enum.map(Enum.sort(entries), &Tuple.to_list/1)]

  # One extension as given: {key's bytes, what is written}. The key is asked before the value, and the value
  # not at all where encoded bytes stand in its place.
  defp checked({key, value}, replaced?) do
    written = key(key)

    case key do
      k when k in [1, 3] -> refuse("U-1")
      _ when replaced? -> {written, :none}
      5 -> {written, {:baggage, baggage(value)}}
      13 -> {written, creation(value)}
      k when k in [7, 9, 11] -> {written, known(k, value)}
      _ -> {written, {:bytes, Tw.Cbor.write(value)}}
    end
  end

  defp checked_encoded({key, {:encoded, bytes}}) do
    written = key(key)
    if rule = Tw.Read.fault(bytes), do: refuse(rule)
    {written, {:bytes, bytes}}
  end

  defp key(n) when is_integer(n) and n in 1..@max32, do: Tw.Cbor.write(n)
  defp key(n) when is_integer(n), do: refuse("X-5")
  defp key({:text, b}) when byte_size(b) in 1..64, do: Tw.Cbor.write({:text, b})
  defp key({:text, _}), do: refuse("X-6")
  defp key(_), do: refuse("X-4")

  # Values of which nothing is shed: a rule F or X before the rule U (E-9).
  defp known(key, value) do
    bytes = Tw.Cbor.write(value)

    case key do
      7 when is_integer(value) and value >= 0 -> {:bytes, bytes}
      7 -> refuse("U-4")
      9 when is_integer(value) and value in 0..65_535 -> {:bytes, bytes}
      9 -> refuse("U-5")
      11 -> if Tw.Meaning.fanout?(value), do: {:bytes, bytes}, else: refuse("U-6")
    end
  end

  # A trace context is {trace id, parent id, flags}, as the trace is; plain bytes are none.
  defp creation({trace, _, _} = context) when is_binary(trace), do: {:bytes, Tw.Cbor.write(context_bytes(context))}

  defp creation(_) do
    count(13, 1)
    :none
  end

  defp context_bytes({trace, parent, flags}),
    do: {:bytes, <<0, 0, trace::binary, 1, parent::binary, 2, flags>>}

  # E-3: entries as {key's text, value's text, key's bytes}, in encoded order of the keys.
  defp baggage({:map, pairs}) do
    entries =
      for {{:text, k}, {:text, v}} when k != "" <- pairs, String.valid?(k) and String.valid?(v) do
        {k, v, Tw.Cbor.write({:text, k})}
      end

    entries = entries |> Enum.uniq_by(&elem(&1, 0)) |> Enum.sort_by(&elem(&1, 2))
    kept = entries |> smaller(entries |> Enum.map(&size/1) |> Enum.sum()) |> Enum.take(64)
    count(5, length(pairs) - length(kept))
    kept
  end

  defp baggage(_) do
    count(5, 1)
    []
  end

  defp size({k, v, _}), do: byte_size(k) + byte_size(v)

  defp smaller(entries, total) when total <= 8_192, do: entries

  defp smaller(entries, total) do
    largest = largest(entries)
    smaller(List.delete(entries, largest), total - size(largest))
  end

  # Of equally large ones the last in encoded order.
  defp largest(entries), do: Enum.max_by(entries, &{size(&1), elem(&1, 2)})

  @doc "E-2: the members of a tracestate that may be written."
  def members(state) do
    given = if state == "", do: [], else: :binary.split(state, ",", [:global])
    kept = fewer(for m <- given, m != "", printable?(m), do: m)
    count(3, length(given) - length(kept))
    kept
  end

  # What was shed since it was asked last: parts by key, in the process that encodes.
  defp count(_, 0), do: :ok
  defp count(key, parts), do: Process.put(:shed, Map.update(shed(), key, parts, &(&1 + parts)))
  defp shed, do: Process.get(:shed, %{})

  @doc "Parts by key, of what was shed since this was asked last."
  def take_shed, do: Process.delete(:shed) || %{}

  defp printable?(member), do: for(<<b <- member>>, b not in 0x20..0x7E, do: b) == []

  defp fewer(members) do
    if length(members) > 32 or byte_size(Enum.join(members, ",")) > 512,
      do: members |> without_one() |> fewer(),
      else: members
  end

  defp without_one(members) do
    long = members |> Enum.with_index() |> Enum.filter(fn {m, _} -> byte_size(m) > 128 end)

    case List.last(long) do
      {_, index} -> List.delete_at(members, index)
      nil -> List.delete_at(members, -1)
    end
  end

  # What may be shed, each apart, and the rest.
  defp parts(given, trace, state) do
    {own, others} = Enum.split_with(given, fn {k, _} -> k in [<<1>>, <<3>>, <<5>>, <<13>>] end)
    own = Map.new(own)
    others = for {k, {:bytes, v}} <- others, do: {k, v}
    twice = length(Enum.uniq_by(others, &elem(&1, 0))) < length(others)
    if length(others) > @entries, do: refuse("X-2")
    if map_size_of(others) > @map_bytes, do: refuse("X-3")
    if twice, do: refuse("X-7")
    context = if is_tuple(trace), do: trace

    %{
      trace: encoded(own[<<1>>]) || trace_bytes(trace),
      # The encoded trace stands in place of the state as well (E-11).
      members:
        if(context && own[<<1>>] == nil && own[<<3>>] == nil, do: members(state), else: []),
      state: encoded(own[<<3>>]),
      baggage: with({:baggage, entries} <- own[<<5>>], do: entries, else: (_ -> [])),
      packed: encoded(own[<<5>>]),
      creation: encoded(own[<<13>>]),
      others: others
    }
  end

  defp encoded({:bytes, bytes}), do: bytes
  defp encoded(_), do: nil

  defp trace_bytes(:undecided), do: nil
  defp trace_bytes(:not_sampled), do: <<0xF4>>
  defp trace_bytes(context), do: Tw.Cbor.write(context_bytes(context))

  # E-5: one thing at a time, until it fits.
  defp fitted(parts) do
    entries = entries(parts)
    long = map_size_of(entries) > @map_bytes

    if long or length(entries) > @entries do
      {key, less} = without_next(parts, long)
      count(key, 1)
      fitted(less)
    else
      entries
    end
  end

  # The key that loses something, and what is left.
  defp without_next(%{members: [_ | _] = members} = parts, _),
    do: {3, %{parts | members: without_one(members)}}

  defp without_next(%{state: state} = parts, _) when state != nil, do: {3, %{parts | state: nil}}

  defp without_next(%{baggage: [_ | _] = entries} = parts, true),
    do: {5, %{parts | baggage: List.delete(entries, largest(entries))}}

  defp without_next(%{baggage: [_ | _] = entries} = parts, false),
    do: {5, %{parts | baggage: Enum.drop(entries, -1)}}

  defp without_next(%{packed: packed} = parts, _) when packed != nil,
    do: {5, %{parts | packed: nil}}

  defp without_next(%{creation: creation} = parts, _) when creation != nil,
    do: {13, %{parts | creation: nil}}

  defp without_next(%{trace: trace, others: others} = parts, _) when trace != nil do
    kept = Enum.reject(others, &drawn_fanout?/1)
    count(11, length(others) - length(kept))
    {1, %{parts | trace: nil, others: kept}}
  end

  defp drawn_fanout?({key, value}), do: key == <<11>> and Tw.Meaning.drawn_fanout?(value)

  defp entries(parts) do
    state = parts.state || if(parts.members != [], do: text(Enum.join(parts.members, ",")))

    pairs = for {k, v, _} <- parts.baggage, do: {{:text, k}, {:text, v}}
    baggage = parts.packed || if(pairs != [], do: Tw.Cbor.write({:map, pairs}))
    known = [{<<1>>, parts.trace}, {<<3>>, state}, {<<5>>, baggage}, {<<13>>, parts.creation}]
    Enum.reject(known, fn {_, v} -> v == nil end) ++ parts.others
  end

  defp text(b), do: Tw.Cbor.write({:text, b})

  defp map_size_of(entries) do
    content = for {k, v} <- entries, do: byte_size(k) + byte_size(v)
    byte_size(Tw.Cbor.head(5, length(entries))) + Enum.sum(content)
  end

  @doc "Section 4.3: the frame with another trace, or as it was where none fits."
  def restamp(%{kind: kind} = frame, _, _) when kind > 2, do: frame.bytes

  def restamp(frame, trace, state) do
    before = trace_id(Tw.Meaning.trace(frame))
    moved = before == nil or before != trace_id(trace)

    kept =
      for {key, k, v, _} <- frame.extensions,
          key not in [1, 3] and not (key == 11 and moved and Tw.Meaning.drawn_fanout?(v)),
          do: {k, v}

    stamped = if bytes = trace_bytes(trace), do: [{<<1>>, bytes} | kept], else: kept
    with_state(frame, stamped, if(is_tuple(trace), do: members(state), else: []))
  end

  defp with_state(frame, entries, members) do
    all = if members == [], do: entries, else: [{<<3>>, text(Enum.join(members, ","))} | entries]
    fits = length(all) <= @entries and map_size_of(all) <= @map_bytes

    cond do
      fits ->
        frame([binary_part(frame.bytes, 4, frame.base_end - 4)], all)

      members == [] ->
        count(1, 1)
        frame.bytes

      true ->
        count(3, 1)
        with_state(frame, entries, without_one(members))
    end
  end

  defp trace_id({trace, _, _}), do: trace
  defp trace_id(_), do: nil

  @doc "`{:ok, base frame}`, or the verdict of L-4."
  def strip(frame) do
    case Tw.Meaning.even(frame) do
      [{_, at} | _] -> {:invalid, "X-11", at}
      [] -> {:ok, frame([binary_part(frame.bytes, 4, frame.base_end - 4)], [])}
    end
  end
end
