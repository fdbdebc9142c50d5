defmodule Tw.Meaning do
  @moduledoc "What the extensions of a frame say: section 3.5, and how messages are unwrapped (section 5.4)."
  import Bitwise

  @assigned [1, 3, 5, 7, 9, 11, 13]
  @most_time 1 <<< 47

  @doc "The value's bytes of a key, or nil."
  def value(frame, key) do
    case List.keyfind(frame.extensions, key, 0) do
      {_, _, bytes, _} -> bytes
      nil -> nil
    end
  end

  @doc "`:undecided`, `:not_sampled` or `{trace id, parent id, flags}`."
  def trace(frame) do
    case value(frame, 1) do
      nil -> :undecided
      <<0xF4>> -> :not_sampled
      bytes -> bytes |> term() |> context() || :undecided
    end
  end

  @doc "The tracestate's bytes, or nil."
  def state(frame), do: if(usable?(frame, 3), do: text(value(frame, 3)))

  @doc "Microseconds, or nil."
  def timeout(frame) do
    with bytes when bytes != nil <- value(frame, 7),
         n when is_integer(n) and n >= 0 <- term(bytes) do
      min(n, @most_time)
    else
      _ -> nil
    end
  end

  @doc "The number of the content-format that the frame says, or nil."
  def format(frame), do: if(usable?(frame, 9), do: term(value(frame, 9)))

  @doc "The assigned keys whose values read as absent."
  def unusable(frame),
    do: Enum.filter(@assigned, &(value(frame, &1) != nil and not usable?(frame, &1)))

  @doc "The even keys, each with where it stands."
  def even(frame),
    do: for({k, _, _, at} <- frame.extensions, is_integer(k), rem(k, 2) == 0, do: {k, at})

  @doc "Is it the value of a fanout whose receivers need not draw any more?"
  def drawn_fanout?(bytes) do
    case bytes && term(bytes) do
      {:array, [_, _]} = value -> fanout?(value)
      _ -> false
    end
  end

  def fanout?({:array, [n, k | more]}) do
    third = Enum.take(more, 1)
    Enum.all?([n, k | third], &(is_integer(&1) and &1 >= 1)) and k <= n
  end

  def fanout?(_), do: false

  @doc "Rule U of a key's value."
  def usable?(frame, key) do
    bytes = value(frame, key)
    bytes != nil and meets?(key, term(bytes), frame)
  end

  defp meets?(1, false, _), do: true
  defp meets?(key, value, _) when key in [1, 13], do: context(value) != nil
  defp meets?(3, value, frame), do: is_tuple(trace(frame)) and tracestate?(value)
  defp meets?(5, value, _), do: baggage?(value)
  defp meets?(7, value, _), do: is_integer(value) and value >= 0
  defp meets?(9, value, _), do: is_integer(value) and value in 0..65_535
  defp meets?(11, value, _), do: fanout?(value)

  @doc "The ids and flags of a usable binary trace context, or nil."
  def context(
        {:bytes, <<version, 0, trace::16-bytes, 1, parent::8-bytes, 2, flags, rest::binary>>}
      ) do
    length_right = if version == 0, do: rest == "", else: version <= 254
    zero = trace == <<0::128>> or parent == <<0::64>>
    if length_right and not zero, do: {trace, parent, flags}
  end

  def context(_), do: nil

  defp tracestate?({:text, text}) do
    byte_size(text) in 1..512 and for(<<b <- text>>, b not in 0x20..0x7E, do: b) == [] and
      length(:binary.split(text, ",", [:global])) <= 32
  end

  defp tracestate?(_), do: false

  defp baggage?({:map, pairs}) when length(pairs) <= 64 do
    texts = Enum.all?(pairs, &match?({{:text, k}, {:text, _}} when k != "", &1))
    keys = Enum.map(pairs, &elem(&1, 0))
    texts and keys == Enum.uniq(keys) and size(pairs) <= 8_192
  end

  defp baggage?(_), do: false

  defp size(pairs),
    do: pairs |> Enum.map(fn {{_, k}, {_, v}} -> byte_size(k) + byte_size(v) end) |> Enum.sum()

  defp text(bytes), do: bytes |> term() |> elem(1)

  defp term(bytes) do
    {:ok, term} = Tw.Cbor.read_one(bytes)
    term
  end

  @doc "Does a message begin like a frame (M-2)?"
  def like_frame?(<<0xD9, 0xD4, 0xF7, head, _::binary>>), do: head in 0x84..0x85
  def like_frame?(_), do: false

  @doc "`{:bare, message}`, `{:envelope, frame}` or `{:invalid, rule, offset}`."
  def unwrap(mode, understood, message) do
    if mode == :bare or (mode == :both and not like_frame?(message)) do
      {:bare, message}
    else
      with {:ok, frame} <- Tw.Read.frame(message) do
        envelope(frame, understood)
      else
        {:invalid, rule, at, _, _} -> {:invalid, rule, at}
      end
    end
  end

  defp envelope(frame, understood) do
    unknown = Enum.find(even(frame), fn {key, _} -> key not in understood end)

    case frame do
      %{kind: kind} when kind != 2 -> {:invalid, "M-3", 4}
      %{target: target} when target != {:text, ""} -> {:invalid, "M-3", frame.target_at}
      _ when unknown != nil -> {:invalid, "X-11", elem(unknown, 1)}
      _ -> {:envelope, frame}
    end
  end
end
