defmodule Tw.Read do
  @moduledoc """
  A frame is read in one pass, with the questions of section 2.1 in their order, so that the verdict is the
  one that every other reader names. Throws `{:bad, rule, offset}` inside; nothing of it gets out.
  """
  import Bitwise

  @max32 0xFFFFFFFF
  @map_bytes 16_384

  @doc "`{:ok, frame}`, or `{:invalid, rule, offset, kind, id}` with what was read of the last two."
  def frame(bytes) do
    count = opening(bytes)
    {kind, at} = kind(bytes, 4)
    {id, at} = id(bytes, at, kind)
    rest(bytes, count, kind, id, at)
  catch
    {:bad, rule, at} -> {:invalid, rule, at, nil, nil}
  end

  defp rest(bytes, count, kind, id, at) do
    {target, target_at, at} = target(bytes, at, kind)
    {payload, base_end} = payload(bytes, at)
    {extensions, stop} = if count == 5, do: map(bytes, base_end), else: {[], base_end}
    if stop < byte_size(bytes), do: throw({:bad, "F-18", stop})

    {:ok,
     %{
       kind: kind,
       id: id,
       target: target,
       target_at: target_at,
       payload: payload,
       # Each as {key, its bytes, its value's bytes, where the key stands}, in order.
       extensions: extensions,
       base_end: base_end,
       bytes: bytes
     }}
  catch
    {:bad, rule, at} -> {:invalid, rule, at, kind, id}
  end

  @doc "How long the value at the beginning of these bytes is, or nil."
  def value_size(bytes) do
    value(bytes, 0, 0)
  catch
    {:bad, _, _} -> nil
  end

  @doc "Are these bytes one item of section 3.2?"
  def value?(bytes) do
    value(bytes, 0, 0) == byte_size(bytes)
  catch
    {:bad, _, _} -> false
  end

  @doc "The first violation of a value that is given as encoded bytes, or nil."
  def fault(bytes) do
    if value(bytes, 0, 0) < byte_size(bytes), do: "F-18"
  catch
    {:bad, rule, _} -> rule
  end

  # The tag's three bytes are compared one by one: F-5 comes before F-1 where one differs.
  defp opening(<<0xD9, 0xD4, 0xF7, _::binary>> = bytes) do
    case head(bytes, 3) do
      {4, n, _} when n in 4..5 -> n
      _ -> throw({:bad, "F-6", 3})
    end
  end

  defp opening(bytes) when bytes in ["", <<0xD9>>, <<0xD9, 0xD4>>],
    do: throw({:bad, "F-1", byte_size(bytes)})

  defp opening(_), do: throw({:bad, "F-5", 0})

  defp kind(bytes, at) do
    case head(bytes, at) do
      {0, n, next} when n <= 0xFFFF -> {n, next}
      _ -> throw({:bad, "F-7", at})
    end
  end

  defp id(bytes, at, kind) do
    case head(bytes, at) do
      {0, n, _} when n > @max32 -> throw({:bad, "F-8", at})
      {0, 0, _} when kind in [0, 1, 5, 6, 7] -> throw({:bad, "F-9", at})
      {0, n, _} when n > 0 and kind in 2..4 -> throw({:bad, "F-10", at})
      {0, n, next} -> {n, next}
      _ -> throw({:bad, "F-8", at})
    end
  end

  defp target(bytes, at, kind) do
    {major, n, next} = head(bytes, at)

    case {kind, major} do
      {0, 3} when n in 1..255 -> text_target(bytes, at, n, next)
      {0, _} -> throw({:bad, "F-11", at})
      {2, 3} when n <= 255 -> text_target(bytes, at, n, next)
      {2, _} -> throw({:bad, "F-12", at})
      {1, 0} when n <= @max32 -> {n, at, next}
      {1, _} -> throw({:bad, "F-13", at})
      {k, 0} when k in 3..7 and n == 0 -> {0, at, next}
      {k, _} when k in 3..7 -> throw({:bad, "F-14", at})
      {_, 3} when n <= 255 -> text_target(bytes, at, n, next)
      {_, 0} when n <= @max32 -> {n, at, next}
      _ -> throw({:bad, "F-15", at})
    end
  end

  defp text_target(bytes, at, n, next) do
    stop = text(bytes, at, n, next)
    {{:text, binary_part(bytes, next, n)}, at, stop}
  end

  defp payload(bytes, at) do
    case head(bytes, at) do
      {2, n, next} ->
        stop = content(bytes, n, next)
        {binary_part(bytes, next, n), stop}

      _ ->
        throw({:bad, "F-17", at})
    end
  end

  defp map(bytes, at) do
    case head(bytes, at) do
      {5, n, next} when n in 1..64 -> entries(bytes, at, n, next, "", [])
      {5, _, _} -> throw({:bad, "X-2", at})
      _ -> throw({:bad, "X-1", at})
    end
  end

  defp entries(_, _, 0, at, _, found), do: {Enum.reverse(found), at}

  defp entries(bytes, map_at, n, at, last, found) do
    {key, value_at} = key(bytes, at)
    written = binary_part(bytes, at, value_at - at)
    if written <= last, do: throw({:bad, "X-7", at})
    stop = value(bytes, value_at, 0)
    if stop - map_at > @map_bytes, do: throw({:bad, "X-3", map_at})
    entry = {key, written, binary_part(bytes, value_at, stop - value_at), at}
    entries(bytes, map_at, n - 1, stop, written, [entry | found])
  end

  defp key(bytes, at) do
    case head(bytes, at) do
      {0, n, next} when n in 1..@max32 -> {n, next}
      {0, _, _} -> throw({:bad, "X-5", at})
      {3, n, next} when n in 1..64 -> {{:text, part(bytes, at, n, next)}, next + n}
      {3, _, _} -> throw({:bad, "X-6", at})
      _ -> throw({:bad, "X-4", at})
    end
  end

  defp part(bytes, at, n, next) do
    text(bytes, at, n, next)
    binary_part(bytes, next, n)
  end

  # A value at this offset, inside so many containers; where it ends.
  defp value(bytes, at, depth) do
    case head(bytes, at) do
      {major, _, next} when major < 2 -> next
      {2, n, next} -> content(bytes, n, next)
      {3, n, next} -> text(bytes, at, n, next)
      {major, _, _} when major in 4..5 and depth == 16 -> throw({:bad, "X-9", at})
      {4, n, next} -> elements(bytes, n, next, depth + 1)
      {5, n, next} -> pairs(bytes, n, next, depth + 1)
      {7, n, next} when n in 20..22 and next == at + 1 -> next
      _ -> throw({:bad, "X-8", at})
    end
  end

  defp elements(_, 0, at, _), do: at
  defp elements(bytes, n, at, depth), do: elements(bytes, n - 1, value(bytes, at, depth), depth)

  defp pairs(_, 0, at, _), do: at

  defp pairs(bytes, n, at, depth) do
    value_at =
      case head(bytes, at) do
        {0, _, next} -> next
        {3, n, next} -> text(bytes, at, n, next)
        _ -> throw({:bad, "X-10", at})
      end

    pairs(bytes, n - 1, value(bytes, value_at, depth), depth)
  end

  defp content(bytes, n, at) do
    if at + n > byte_size(bytes), do: throw({:bad, "F-1", byte_size(bytes)})
    at + n
  end

  defp text(bytes, at, n, next) do
    stop = content(bytes, n, next)
    unless String.valid?(binary_part(bytes, next, n)), do: throw({:bad, "F-16", at})
    stop
  end

  # Questions 1 to 6: {major type, argument, where the head ends}. Floats and simple values of two bytes
  # have an argument, too; that they are none of a head alone shows in where the head ends.
  defp head(bytes, at) when at >= byte_size(bytes), do: throw({:bad, "F-1", byte_size(bytes)})

  defp head(bytes, at) do
    first = :binary.at(bytes, at)
    major = first >>> 5

    case first &&& 31 do
      n when n < 24 -> {major, n, at + 1}
      n when n < 28 -> argument(bytes, at, major, 1 <<< (n - 24))
      31 when major in 2..5 -> throw({:bad, "F-3", at})
      _ -> throw({:bad, "F-2", at})
    end
  end

  defp argument(bytes, at, major, size) do
    next = at + 1 + size
    if next > byte_size(bytes), do: throw({:bad, "F-1", byte_size(bytes)})
    n = :binary.decode_unsigned(binary_part(bytes, at + 1, size))

    cond do
      major == 7 and size == 1 and n < 0x20 -> throw({:bad, "F-2", at})
      major == 7 -> {7, n, next}
      n < least(size) -> throw({:bad, "F-4", at})
      true -> {major, n, next}
    end
  end

  defp least(1), do: 24
  defp least(2), do: 0x100
  defp least(4), do: 0x10000
  defp least(8), do: 0x100000000
end
